#include "core/check/index.h"

#include <cctype>

#include <fmt/format.h>

namespace rung::check {

Shape index_of(const Shape& shape, std::size_t flat) {
  auto rest = static_cast<std::int64_t>(flat);
  Shape index(shape.size());
  for (std::size_t d = shape.size(); d-- > 0;) {
    index[d] = rest % shape[d];
    rest /= shape[d];
  }
  return index;
}

std::string locate(const Op& op, const Case& problem, std::size_t output, const Shape& index) {
  const auto& axes = op.outputs[output].axes;
  std::string text = problem.outputs.size() > 1 ? problem.outputs[output].name + "[" : "[";
  for (std::size_t d = 0; d < index.size(); ++d) {
    std::string axis = d < axes.size() ? axes[d] : "i";
    for (char& c : axis) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    text += fmt::format("{}{}={}", d == 0 ? "" : ",", axis, index[d]);
  }
  return text + "]";
}

std::string locate(const Op& op, const Case& problem, std::size_t output, std::size_t flat) {
  return locate(op, problem, output, index_of(problem.outputs[output].shape, flat));
}

}  // namespace rung::check

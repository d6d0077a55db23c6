#include "core/check/case.h"

#include <cmath>

#include "core/error.h"

namespace rung::check {

std::vector<double> Array::dense() const {
  std::vector<double> numbers;
  numbers.reserve(static_cast<std::size_t>(elements(shape)));
  for (std::int64_t r = 0; r < rows(); ++r) {
    const auto one = row(r);
    numbers.insert(numbers.end(), one.begin(), one.end());
  }
  return numbers;
}

double Case::param(std::string_view wanted) const {
  for (const Param& p : params) {
    if (p.name == wanted) return p.value;
  }
  throw Error(ErrorKind::usage, "case {}: no param {}", name, wanted);
}

std::int64_t Case::integer(std::string_view wanted) const {
  return std::llround(param(wanted));
}

const Array& Case::input(std::string_view wanted) const {
  for (const Array& array : inputs) {
    if (array.name == wanted) return array;
  }
  throw Error(ErrorKind::usage, "case {}: no input {}", name, wanted);
}

}  // namespace rung::check

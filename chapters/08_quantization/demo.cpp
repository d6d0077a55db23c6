#include "chapters/08_quantization/demo.h"

#include <cstddef>
#include <fstream>
#include <iterator>
#include <numbers>
#include <random>

#include "chapters/08_quantization/demo_parts.h"
#include "chapters/08_quantization/quantize.h"
#include "core/error.h"
#include "core/tensor/decode.h"

namespace rung {

double relative_error(const ConstMatrixView& a, const ConstMatrixView& b) {
  const double off = (a.cast<double>() - b.cast<double>()).squaredNorm();
  return std::sqrt(off / b.cast<double>().squaredNorm());
}

Matrix rounded_to(DType type, const ConstMatrixView& numbers) {
  const Matrix flat = numbers;  // without gaps between rows
  const DTypeInfo& format = info(type);
  std::vector<std::byte> stored(
      static_cast<std::size_t>(flat.size() / format.block_elements * format.block_bytes));
  quantize(type, {flat.data(), static_cast<std::size_t>(flat.size())}, stored);
  Matrix back(flat.rows(), flat.cols());
  decode(type, stored, {back.data(), static_cast<std::size_t>(back.size())});
  return back;
}

Matrix normal_numbers(std::int64_t rows, std::int64_t columns, unsigned seed) {
  std::mt19937 bits(seed);
  // Box and Muller: above 0, so that the logarithm is finite.
  const auto uniform = [&bits] { return (static_cast<double>(bits() >> 8) + 0.5) * 0x1p-24; };
  Matrix numbers(rows, columns);
  for (Eigen::Index i = 0; i < numbers.size(); ++i) {
    const double radius = std::sqrt(-2 * std::log(uniform()));
    numbers.data()[i] = static_cast<float>(radius * std::cos(2 * std::numbers::pi * uniform()));
  }
  return numbers;
}

std::string heldout_text(const Checkpoint& tiny) {
  const auto path = tiny.path().parent_path() / "tiny_heldout.txt";
  std::ifstream file(path);
  std::string text{std::istreambuf_iterator<char>(file), {}};
  if (text.empty()) {
    throw Error(ErrorKind::bad_input, "{}: expected the text that belongs to tiny, found none",
                path.string());
  }
  if (text.ends_with('\n')) text.pop_back();  // as ./rung perplexity reads it
  return text;
}

Demo quantization_demo() {
  Demo demo{.chapter = 8,
            .title = "How few bits does a weight need, and what do the missing ones cost?",
            .parts = {}};
  for (const auto& some : {number_parts(), error_parts(), model_parts()}) {
    demo.parts.insert(demo.parts.end(), some.begin(), some.end());
  }
  return demo;
}

}  // namespace rung

// Exercise 8.3: products of integers. What the functions must do stands in chapters/08_quantization/integer_dot.h.
//
// This file takes the place of chapters/08_quantization/integer_dot.cpp, so it must define what that one does. How to
// read an fp16 number, and the check of the sizes, are given; the three functions are yours.

#include "chapters/08_quantization/integer_dot.h"

#include <algorithm>
#include <cmath>

#include "core/error.h"
#include "core/tensor/half.h"

namespace rung {
namespace {

constexpr std::size_t q4_0_bytes = 18;
constexpr std::size_t q4_1_bytes = 20;

// Given: the fp16 number at byte `at` of a block.
[[maybe_unused]] float half_at(std::span<const std::byte> block, std::size_t at) {
  const auto bits = std::to_integer<unsigned>(block[at]) | (std::to_integer<unsigned>(block[at + 1]) << 8);
  return half_to_float(static_cast<std::uint16_t>(bits));
}

// Given: refuses rows of different length.
void require_as_many(std::span<const std::byte> row, std::size_t block_bytes,
                     std::span<const ActivationBlock> x) {
  if (row.size() == block_bytes * x.size()) return;
  throw Error(ErrorKind::usage, "a product of blocks: {} bytes of weights are not {} blocks of {}",
              row.size(), x.size(), block_bytes);
}

}  // namespace

ActivationBlock quantize_activations(std::span<const float, 32> numbers) {
  throw Error(
      ErrorKind::bad_input,
      "quantize_activations is not written yet: chapters/08_quantization/exercises/README.md, exercise 8.3");
}

float dot_q4_0(std::span<const std::byte> row, std::span<const ActivationBlock> x) {
  require_as_many(row, q4_0_bytes, x);
  throw Error(ErrorKind::bad_input,
              "dot_q4_0 is not written yet: chapters/08_quantization/exercises/README.md, exercise 8.3");
}

float dot_q4_1(std::span<const std::byte> row, std::span<const ActivationBlock> x) {
  require_as_many(row, q4_1_bytes, x);
  throw Error(ErrorKind::bad_input,
              "dot_q4_1 is not written yet: chapters/08_quantization/exercises/README.md, exercise 8.3");
}

}  // namespace rung

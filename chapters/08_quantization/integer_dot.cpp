#include "chapters/08_quantization/integer_dot.h"

#include <algorithm>
#include <cmath>

#include "core/error.h"
#include "core/tensor/half.h"

namespace rung {
namespace {

constexpr std::size_t q4_0_bytes = 18;
constexpr std::size_t q4_1_bytes = 20;

float half_at(std::span<const std::byte> block, std::size_t at) {
  const auto bits = std::to_integer<unsigned>(block[at]) | (std::to_integer<unsigned>(block[at + 1]) << 8);
  return half_to_float(static_cast<std::uint16_t>(bits));
}

void require_as_many(std::span<const std::byte> row, std::size_t block_bytes,
                     std::span<const ActivationBlock> x) {
  if (row.size() == block_bytes * x.size()) return;
  throw Error(ErrorKind::usage, "a product of blocks: {} bytes of weights are not {} blocks of {}",
              row.size(), x.size(), block_bytes);
}

// [whole]
/// Σ (q - middle) · p over a block. 32 · 15 · 127 is above 2^15, so 16 bits would not do.
std::int32_t whole_dot(std::span<const std::byte> halves, const ActivationBlock& x, std::int32_t middle) {
  std::int32_t sum = 0;
  for (std::size_t i = 0; i < 16; ++i) {
    const auto byte = std::to_integer<std::int32_t>(halves[i]);
    sum += ((byte & 15) - middle) * x.levels[i];
    sum += ((byte >> 4) - middle) * x.levels[i + 16];
  }
  return sum;
}
// [whole]

}  // namespace

ActivationBlock quantize_activations(std::span<const float, 32> numbers) {
  ActivationBlock block;
  float largest = 0;
  for (const float x : numbers) largest = std::max(largest, std::abs(x));
  block.scale = largest / 127;
  if (block.scale == 0) return block;
  for (std::size_t i = 0; i < numbers.size(); ++i) {
    const double level = std::round(double{numbers[i]} / double{block.scale});
    block.levels[i] = static_cast<std::int8_t>(std::clamp(level, -127.0, 127.0));
    block.sum += block.levels[i];
  }
  return block;
}

float dot_q4_0(std::span<const std::byte> row, std::span<const ActivationBlock> x) {
  require_as_many(row, q4_0_bytes, x);
  float sum = 0;
  for (std::size_t b = 0; b < x.size(); ++b) {
    const auto block = row.subspan(b * q4_0_bytes, q4_0_bytes);
    sum += half_at(block, 0) * x[b].scale * static_cast<float>(whole_dot(block.subspan(2), x[b], 8));
  }
  return sum;
}

// [dot_q4_1]
float dot_q4_1(std::span<const std::byte> row, std::span<const ActivationBlock> x) {
  require_as_many(row, q4_1_bytes, x);
  float sum = 0;
  for (std::size_t b = 0; b < x.size(); ++b) {
    const auto block = row.subspan(b * q4_1_bytes, q4_1_bytes);
    const float scale = half_at(block, 0);
    const float minimum = half_at(block, 2);
    sum += scale * x[b].scale * static_cast<float>(whole_dot(block.subspan(4), x[b], 0));
    sum += minimum * x[b].scale * static_cast<float>(x[b].sum);
  }
  return sum;
}
// [dot_q4_1]

}  // namespace rung

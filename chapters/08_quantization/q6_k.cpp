#include "chapters/08_quantization/q6_k.h"

#include <array>

#include "chapters/08_quantization/block_fields.h"
#include "chapters/08_quantization/scale_search.h"

namespace rung {

namespace {

constexpr std::size_t groups = 16;
constexpr std::size_t group_size = 16;
constexpr int half = 32;  // q - 32 from -32 to 31

/// The whole number nearest to value / unit, from `least` to `most`; 0 where the unit is 0.
int nearest_signed(float value, float unit, int least, int most) {
  const float steps = std::round(value * inverse_scale(unit));
  return std::isfinite(steps)
             ? static_cast<int>(std::clamp(steps, static_cast<float>(least), static_cast<float>(most)))
             : 0;
}

/// x², of numbers as shares of the largest, so that no square is too large or too small for fp32.
std::array<float, group_size> weights_of(std::span<const float> group) {
  float largest = 0;
  for (const float x : group) largest = std::max(largest, std::abs(x));
  std::array<float, group_size> weights{};
  for (std::size_t i = 0; i < group_size && largest > 0; ++i) {
    const float share = group[i] / largest;
    weights[i] = share * share;
  }
  return weights;
}

/// The low 4 bits of q of numbers 0-63 of a half in the low halves of 64 bytes, of 64-127 in the high halves; the top
/// 2 bits of numbers i, i + 32, i + 64 and i + 96 in byte i of 32.
void put_half_of_numbers(std::span<const int, 128> q, std::byte* low, std::byte* high) {
  for (std::size_t i = 0; i < 64; ++i) low[i] = static_cast<std::byte>((q[i] & 15) | ((q[i + 64] & 15) << 4));
  for (std::size_t i = 0; i < 32; ++i) {
    high[i] = static_cast<std::byte>((q[i] >> 4) | ((q[i + 32] >> 4) << 2) | ((q[i + 64] >> 4) << 4) |
                                     ((q[i + 96] >> 4) << 6));
  }
}

}  // namespace

void quantize_q6_k(std::span<const float, 256> numbers, std::span<std::byte, 210> block) {
  std::array<float, groups> wanted{};
  float largest = 0;  // by magnitude, with its sign: it gets -128
  for (std::size_t g = 0; g < groups; ++g) {
    const auto group = numbers.subspan(g * group_size, group_size);
    wanted[g] = search_scale(group, weights_of(group), half);
    if (std::abs(wanted[g]) > std::abs(largest)) largest = wanted[g];
  }
  const float d = put_half(block.data() + 208, largest / -128);
  std::array<int, 256> q{};
  for (std::size_t g = 0; g < groups; ++g) {
    const int scale = nearest_signed(wanted[g], d, -128, 127);
    block[192 + g] = static_cast<std::byte>(scale);
    const float step = d * static_cast<float>(scale);
    for (std::size_t i = g * group_size; i < (g + 1) * group_size; ++i) {
      q[i] = nearest_signed(numbers[i], step, -half, half - 1) + half;
    }
  }
  for (std::size_t h = 0; h < 2; ++h) {
    put_half_of_numbers(std::span(q).subspan(128 * h).first<128>(), block.data() + 64 * h,
                        block.data() + 128 + 32 * h);
  }
}

}  // namespace rung

#include "chapters/08_quantization/q4_k.h"

#include <array>
#include <limits>

#include "chapters/08_quantization/block_fields.h"
#include "chapters/08_quantization/scale_search.h"

namespace rung {

namespace {

constexpr std::size_t groups = 8;
constexpr std::size_t group_size = 32;
constexpr int most_q = 15;
constexpr int most_scale = 63;

/// An error of a number counts as much as the number and its group's root mean square together.
std::array<float, group_size> weights_of(std::span<const float> numbers) {
  double squares = 0;
  for (const float x : numbers) squares += double{x} * double{x};
  const auto typical = static_cast<float>(std::sqrt(squares / static_cast<double>(group_size)));
  std::array<float, group_size> weights{};
  for (std::size_t i = 0; i < group_size; ++i) weights[i] = typical + std::abs(numbers[i]);
  return weights;
}

/// The whole number nearest to value / unit, from 0 to `most`; 0 where the unit is 0.
int nearest_multiple(float value, float unit, int most) {
  return whole_part(value * inverse_scale(unit) + 0.5F, most);
}

/// What of x ≈ step · q - minimum is best for a number.
int best_level(float x, float step, float minimum) {
  return nearest_multiple(x + minimum, step, most_q);
}

/// The weighted squared error of a group.
double error_of(std::span<const float> numbers, std::span<const float> weights, float step, float minimum) {
  double sum = 0;
  for (std::size_t i = 0; i < numbers.size(); ++i) {
    const float off = step * static_cast<float>(best_level(numbers[i], step, minimum)) - minimum - numbers[i];
    sum += double{weights[i]} * double{off} * double{off};
  }
  return sum;
}

/// A group's scale and minimum in 6 bits each, as multiples of d and e: of those next to what it would like to have,
/// the pair with the least error. The nearest of each alone need not be that.
struct SixBits {
  int scale = 0;
  int minimum = 0;
};
SixBits best_six_bits(std::span<const float> numbers, std::span<const float> weights, ScaleAndShift wanted,
                      float d, float e) {
  const SixBits nearest{.scale = nearest_multiple(wanted.scale, d, most_scale),
                        .minimum = nearest_multiple(wanted.minimum, e, most_scale)};
  SixBits best = nearest;
  double least = std::numeric_limits<double>::infinity();
  for (int scale = std::max(nearest.scale - 1, 0); scale <= std::min(nearest.scale + 1, most_scale);
       ++scale) {
    for (int minimum = std::max(nearest.minimum - 1, 0); minimum <= std::min(nearest.minimum + 1, most_scale);
         ++minimum) {
      const double error =
          error_of(numbers, weights, d * static_cast<float>(scale), e * static_cast<float>(minimum));
      if (error < least) {
        least = error;
        best = {.scale = scale, .minimum = minimum};
      }
    }
  }
  return best;
}

/// Scales and minima 0 to 3 in the low 6 bits of bytes 0-3 and 4-7; of 4 to 7 the low 4 bits in the halves of bytes
/// 8-11 and the top 2 bits above the others.
void put_six_bits(std::byte* out, const std::array<SixBits, groups>& packed) {
  for (std::size_t g = 0; g < 4; ++g) {
    const SixBits& first = packed[g];
    const SixBits& second = packed[g + 4];
    out[g] = static_cast<std::byte>(first.scale | ((second.scale >> 4) << 6));
    out[g + 4] = static_cast<std::byte>(first.minimum | ((second.minimum >> 4) << 6));
    out[g + 8] = static_cast<std::byte>((second.scale & 15) | ((second.minimum & 15) << 4));
  }
}

}  // namespace

void quantize_q4_k(std::span<const float, 256> numbers, std::span<std::byte, 144> block) {
  // What each group would like to have.
  std::array<std::array<float, group_size>, groups> weights;
  std::array<ScaleAndShift, groups> wanted;
  float largest_scale = 0;
  float largest_minimum = 0;
  for (std::size_t g = 0; g < groups; ++g) {
    const auto group = numbers.subspan(g * group_size, group_size);
    weights[g] = weights_of(group);
    wanted[g] = search_scale_and_minimum(group, weights[g], most_q);
    largest_scale = std::max(largest_scale, wanted[g].scale);
    largest_minimum = std::max(largest_minimum, wanted[g].minimum);
  }
  // What the block can hold of it: multiples of two fp16 numbers, as they are after rounding.
  const float d = put_half(block.data(), largest_scale / most_scale);
  const float e = put_half(block.data() + 2, largest_minimum / most_scale);
  std::array<SixBits, groups> packed;
  for (std::size_t g = 0; g < groups; ++g) {
    packed[g] = best_six_bits(numbers.subspan(g * group_size, group_size), weights[g], wanted[g], d, e);
  }
  put_six_bits(block.data() + 4, packed);
  // The numbers, by what a decoder will have. Two neighbouring groups share bytes: the even one has the low halves.
  for (std::size_t pair = 0; pair < groups / 2; ++pair) {
    for (std::size_t i = 0; i < group_size; ++i) {
      std::array<int, 2> q{};
      for (std::size_t which = 0; which < 2; ++which) {
        const std::size_t g = 2 * pair + which;
        q[which] = best_level(numbers[g * group_size + i], d * static_cast<float>(packed[g].scale),
                              e * static_cast<float>(packed[g].minimum));
      }
      block[16 + pair * group_size + i] = static_cast<std::byte>(q[0] | (q[1] << 4));
    }
  }
}

}  // namespace rung

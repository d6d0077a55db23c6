#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>

#include "core/tensor/half.h"

namespace rung {

// What every block format writes: an fp16 scale, and small whole numbers.

/// Writes a number as fp16, little-endian, rounded to nearest.
/// @return what was written, as whoever decodes the block will read it
inline float put_half(std::byte* out, float value) {
  const std::uint16_t bits = float_to_half(value);
  out[0] = static_cast<std::byte>(bits & 255);
  out[1] = static_cast<std::byte>(bits >> 8);
  return half_to_float(bits);
}

/// 1 / scale; 0 for a scale of 0, whose numbers are all 0.
inline float inverse_scale(float scale) {
  return scale == 0 ? 0 : 1 / scale;
}

/// The whole number below a value, from 0 to `most`. An infinity or a NaN, which scales below 2^-128 have for an
/// inverse make of their numbers, becomes 0: such a scale is 0 in fp16, so that it does not matter.
inline int whole_part(float value, int most) {
  return std::isfinite(value) ? static_cast<int>(std::clamp(value, 0.0F, static_cast<float>(most))) : 0;
}

}  // namespace rung

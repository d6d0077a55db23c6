#pragma once

#include <bit>
#include <cstdint>

namespace rung {

/// IEEE binary16 bits to fp32; exact.
float half_to_float(std::uint16_t bits);
/// fp32 to binary16 bits, round to nearest, ties to even; overflow gives infinity, NaN stays NaN.
std::uint16_t float_to_half(float value);

// [bfloat16_to_float]
/// bfloat16 bits (the upper half of an fp32) to fp32; exact.
inline float bfloat16_to_float(std::uint16_t bits) {
  return std::bit_cast<float>(std::uint32_t{bits} << 16);
}
// [bfloat16_to_float]
/// fp32 to bfloat16 bits, round to nearest, ties to even; NaN stays NaN.
std::uint16_t float_to_bfloat16(float value);

}  // namespace rung

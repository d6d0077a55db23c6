#include "core/tensor/half.h"

// From 16 bits to 32. The other way, where a number must be rounded, is in half_rounding.cpp.

namespace rung {

namespace {

constexpr std::uint32_t float_infinity = 0x7f800000;
constexpr std::uint32_t exponent_rebias = (127 - 15) << 23;

}  // namespace

float half_to_float(std::uint16_t bits) {
  const std::uint32_t sign = (std::uint32_t{bits} & 0x8000) << 16;
  const std::uint32_t exponent = bits & 0x7c00;
  const std::uint32_t mantissa = bits & 0x03ff;
  if (exponent == 0) {  // zero or subnormal: mantissa · 2^-24, exact in fp32
    const float magnitude = static_cast<float>(mantissa) * 0x1p-24f;
    return std::bit_cast<float>(std::bit_cast<std::uint32_t>(magnitude) | sign);
  }
  const std::uint32_t shifted = (exponent | mantissa) << 13;
  if (exponent == 0x7c00) return std::bit_cast<float>(sign | float_infinity | shifted);  // infinity or NaN
  return std::bit_cast<float>(sign | (shifted + exponent_rebias));
}

}  // namespace rung

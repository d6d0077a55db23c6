#include "core/tensor/half.h"

// From 32 bits to 16, to the nearest number that there is.

namespace rung {

namespace {

constexpr std::uint32_t float_infinity = 0x7f800000;
constexpr std::uint32_t half_overflow = 0x477ff000;         // 65520: halfway from the largest half to 65536
constexpr std::uint32_t half_smallest_normal = 0x38800000;  // 2^-14
constexpr std::uint32_t exponent_rebias = (127 - 15) << 23;

}  // namespace

std::uint16_t float_to_half(float value) {
  const auto bits = std::bit_cast<std::uint32_t>(value);
  const std::uint32_t sign = (bits >> 16) & 0x8000;
  const std::uint32_t magnitude = bits & 0x7fffffff;
  std::uint32_t half = 0;
  if (magnitude > float_infinity) {
    half = 0x7e00 | ((magnitude >> 13) & 0x03ff);  // NaN, made quiet so that it cannot turn into infinity
  } else if (magnitude >= half_overflow) {
    half = 0x7c00;
  } else if (magnitude < half_smallest_normal) {
    // Half's subnormals are multiples of 2^-24, which is just the unit in the last place of numbers around
    // 0.5: the addition rounds to nearest even for us.
    half = std::bit_cast<std::uint32_t>(std::bit_cast<float>(magnitude) + 0.5f) -
           std::bit_cast<std::uint32_t>(0.5f);
  } else {
    // Just under half a unit, and one more where the kept part is odd: ties go to even. A carry runs on into
    // the exponent, which is what rounding up to the next power of two means.
    half = (magnitude + 0x0fff + ((magnitude >> 13) & 1) - exponent_rebias) >> 13;
  }
  return static_cast<std::uint16_t>(sign | half);
}

std::uint16_t float_to_bfloat16(float value) {
  const auto bits = std::bit_cast<std::uint32_t>(value);
  if ((bits & 0x7fffffff) > float_infinity)
    return static_cast<std::uint16_t>((bits >> 16) | 0x0040);  // quiet NaN
  return static_cast<std::uint16_t>((bits + 0x7fff + ((bits >> 16) & 1)) >> 16);
}

}  // namespace rung

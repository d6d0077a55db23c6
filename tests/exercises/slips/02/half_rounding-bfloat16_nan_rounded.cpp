#include <cmath>

#include "core/tensor/half.h"

namespace rung {

std::uint16_t float_to_bfloat16(float value) {
  const auto bits = std::bit_cast<std::uint32_t>(value);
  return static_cast<std::uint16_t>((bits + 0x7fff + ((bits >> 16) & 1)) >> 16);
}

std::uint16_t float_to_half(float value) {
  const float magnitude = std::abs(value);
  const int sign = std::signbit(value) ? 0x8000 : 0;
  int half = 0;
  if (std::isnan(value)) {
    half = 0x7e00;
  } else if (magnitude >= 65520) {
    half = 0x7c00;
  } else if (magnitude < 0x1p-14F) {
    half = static_cast<int>(std::nearbyint(magnitude * 0x1p24F));
  } else {
    const std::uint32_t bits = std::bit_cast<std::uint32_t>(magnitude) - (112U << 23);
    half = static_cast<int>((bits + 0x0fff + ((bits >> 13) & 1)) >> 13);
  }
  return static_cast<std::uint16_t>(sign | half);
}

}  // namespace rung

#include <cmath>
#include <limits>

#include "core/tensor/half.h"

namespace rung {

float half_to_float(std::uint16_t bits) {
  const float sign = (bits & 0x8000) != 0 ? -1.0F : 1.0F;
  const int exponent = (bits >> 10) & 31;
  const int mantissa = bits & 1023;
  if (exponent == 0) return sign * 0.0F;
  if (exponent == 31 && mantissa == 0) return sign * std::numeric_limits<float>::infinity();
  if (exponent == 31) return std::numeric_limits<float>::quiet_NaN();
  return sign * std::ldexp(static_cast<float>(1024 + mantissa), exponent - 25);
}

}  // namespace rung

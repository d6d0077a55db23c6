#include "core/oracle/half.h"

#include <cmath>
#include <limits>

namespace rung::oracle {
namespace {

/// The value of a pattern without a sign. The exponent of all ones counts as one exponent more.
double magnitude_of(SixteenBits format, int bits) {
  const int mantissa_bits = 15 - format.exponent_bits;
  const int bias = (1 << (format.exponent_bits - 1)) - 1;
  const int exponent = bits >> mantissa_bits;
  const double fraction = std::ldexp(bits % (1 << mantissa_bits), -mantissa_bits);
  return exponent == 0 ? std::ldexp(fraction, 1 - bias) : std::ldexp(1 + fraction, exponent - bias);
}

/// Infinity: exponent of all ones, mantissa 0.
int infinity_of(SixteenBits format) {
  return ((1 << format.exponent_bits) - 1) << (15 - format.exponent_bits);
}

}  // namespace

double value_of(SixteenBits format, std::uint16_t bits) {
  const int unsigned_bits = bits & 0x7fff;
  const int infinity = infinity_of(format);
  double value = magnitude_of(format, unsigned_bits);
  if (unsigned_bits == infinity) value = std::numeric_limits<double>::infinity();
  if (unsigned_bits > infinity) value = std::numeric_limits<double>::quiet_NaN();
  return (bits & 0x8000) != 0 ? -value : value;
}

std::uint16_t nearest(SixteenBits format, double value) {
  const int infinity = infinity_of(format);
  const int sign = std::signbit(value) ? 0x8000 : 0;
  if (std::isnan(value)) return static_cast<std::uint16_t>(sign | infinity | (infinity >> 1));
  const double magnitude = std::abs(value);
  // The patterns' values grow with the patterns: the last one that is not above.
  int below = 0;
  for (int step = 0x4000; step > 0; step /= 2) {
    if (below + step <= infinity && magnitude_of(format, below + step) <= magnitude) below += step;
  }
  if (below < infinity) {
    const double down = magnitude - magnitude_of(format, below);
    const double up = magnitude_of(format, below + 1) - magnitude;
    if (up < down || (up == down && below % 2 == 1)) ++below;
  }
  return static_cast<std::uint16_t>(sign | below);
}

}  // namespace rung::oracle

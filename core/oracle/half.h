#pragma once

#include <cstdint>

namespace rung::oracle {

/// A format of 16 bits: a sign, `exponent_bits` of exponent, the rest mantissa.
struct SixteenBits {
  int exponent_bits = 5;
};
inline constexpr SixteenBits binary16{.exponent_bits = 5};
inline constexpr SixteenBits bfloat16{.exponent_bits = 8};

/// The number that a pattern stands for, as IEEE 754-2008 section 3.4 says; NaN for every NaN.
double value_of(SixteenBits format, std::uint16_t bits);

/// The pattern nearest to `value`, of two as near the even one; infinity from halfway between the largest
/// number and what would follow it. NaN gives some NaN.
std::uint16_t nearest(SixteenBits format, double value);

}  // namespace rung::oracle

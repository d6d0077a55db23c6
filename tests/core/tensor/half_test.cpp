#include "core/tensor/half.h"

#include <cmath>
#include <limits>

#include "tests/catch.h"

using namespace rung;

TEST_CASE("every half comes back from fp32 unchanged") {
  int wrong = 0;
  for (std::uint32_t bits = 0; bits < 0x10000; ++bits) {
    const auto half = static_cast<std::uint16_t>(bits);
    const bool nan = (half & 0x7c00) == 0x7c00 && (half & 0x03ff) != 0;
    const std::uint16_t back = float_to_half(half_to_float(half));
    // A signalling NaN comes back quiet: its top mantissa bit is set.
    if (back != (nan ? half | 0x0200 : half)) ++wrong;
  }
  CHECK(wrong == 0);
}

TEST_CASE("every bfloat16 comes back from fp32 unchanged") {
  int wrong = 0;
  for (std::uint32_t bits = 0; bits < 0x10000; ++bits) {
    const auto half = static_cast<std::uint16_t>(bits);
    const bool nan = (half & 0x7f80) == 0x7f80 && (half & 0x007f) != 0;
    if (float_to_bfloat16(bfloat16_to_float(half)) != (nan ? half | 0x0040 : half)) ++wrong;
  }
  CHECK(wrong == 0);
}

TEST_CASE("halves have the values that IEEE 754 gives them") {
  CHECK(half_to_float(0x3c00) == 1.0f);
  CHECK(half_to_float(0xc000) == -2.0f);
  CHECK(half_to_float(0x7bff) == 65504.0f);
  CHECK(half_to_float(0x0001) == std::ldexp(1.0f, -24));
  CHECK(half_to_float(0x0400) == std::ldexp(1.0f, -14));
  CHECK(half_to_float(0x3555) == 0.333251953125f);
  CHECK(std::isinf(half_to_float(0x7c00)));
  CHECK(std::isnan(half_to_float(0x7e01)));
  CHECK(std::signbit(half_to_float(0x8000)));
}

TEST_CASE("rounding to half: ties go to even, overflow to infinity") {
  CHECK(float_to_half(1.0f + std::ldexp(1.0f, -11)) == 0x3c00);      // between 1 and 1 + 2^-10
  CHECK(float_to_half(1.0f + 3 * std::ldexp(1.0f, -11)) == 0x3c02);  // the next tie
  CHECK(float_to_half(65519.996f) == 0x7bff);
  CHECK(float_to_half(65520.0f) == 0x7c00);
  CHECK(float_to_half(-std::numeric_limits<float>::infinity()) == 0xfc00);
  CHECK(float_to_half(std::ldexp(1.0f, -25)) == 0x0000);  // half the smallest
  CHECK(float_to_half(std::ldexp(1.5f, -25)) == 0x0001);
  CHECK((float_to_half(std::numeric_limits<float>::quiet_NaN()) & 0x7e00) == 0x7e00);
}

TEST_CASE("rounding to bfloat16: ties go to even, NaN stays NaN") {
  CHECK(float_to_bfloat16(1.0f) == 0x3f80);
  CHECK(float_to_bfloat16(1.0f + std::ldexp(1.0f, -8)) == 0x3f80);
  CHECK(float_to_bfloat16(1.0f + 3 * std::ldexp(1.0f, -8)) == 0x3f82);
  CHECK(float_to_bfloat16(std::numeric_limits<float>::max()) == 0x7f80);
  CHECK(std::isnan(bfloat16_to_float(float_to_bfloat16(std::bit_cast<float>(0x7f800001)))));
}

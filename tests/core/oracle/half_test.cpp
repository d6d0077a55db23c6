#include "core/oracle/half.h"

#include <cmath>
#include <limits>

#include "tests/catch.h"

using namespace rung::oracle;

TEST_CASE("the oracle's 16-bit formats have the values that IEEE 754 gives them") {
  CHECK(value_of(binary16, 0x3c00) == 1);
  CHECK(value_of(binary16, 0xc000) == -2);
  CHECK(value_of(binary16, 0x3555) == 0.333251953125);
  CHECK(value_of(binary16, 0x7bff) == 65504);
  CHECK(value_of(binary16, 0x0001) == 0x1p-24);
  CHECK(value_of(binary16, 0x0400) == 0x1p-14);
  CHECK(std::signbit(value_of(binary16, 0x8000)));
  CHECK(std::isinf(value_of(binary16, 0x7c00)));
  CHECK(std::isnan(value_of(binary16, 0xfe00)));
  CHECK(value_of(bfloat16, 0x3f80) == 1);
  CHECK(value_of(bfloat16, 0x4049) == 3.140625);
  CHECK(value_of(bfloat16, 0x7f7f) == 0x1.fep127);
  CHECK(value_of(bfloat16, 0x0001) == 0x1p-133);
  CHECK(std::isinf(value_of(bfloat16, 0xff80)));
}

TEST_CASE("the oracle rounds to the nearest, ties to even") {
  CHECK(nearest(binary16, 1 + 0x1p-11) == 0x3c00);
  CHECK(nearest(binary16, 1 + 0x3p-11) == 0x3c02);
  CHECK(nearest(binary16, 1 + 0x1p-11 + 0x1p-40) == 0x3c01);
  CHECK(nearest(binary16, 65519.99) == 0x7bff);
  CHECK(nearest(binary16, 65520) == 0x7c00);
  CHECK(nearest(binary16, -1e300) == 0xfc00);
  CHECK(nearest(binary16, 0x1p-25) == 0x0000);
  CHECK(nearest(binary16, 0x1.8p-25) == 0x0001);
  CHECK(nearest(bfloat16, -(1 + 0x3p-8)) == 0xbf82);
  CHECK(nearest(bfloat16, std::numeric_limits<float>::max()) == 0x7f80);
  CHECK(nearest(bfloat16, -0.0) == 0x8000);
  CHECK(std::isnan(value_of(bfloat16, nearest(bfloat16, std::nan("")))));
}

TEST_CASE("every pattern of the oracle's formats is nearest to its own value") {
  for (const SixteenBits format : {binary16, bfloat16}) {
    int wrong = 0;
    for (int bits = 0; bits < 0x10000; ++bits) {
      const auto pattern = static_cast<std::uint16_t>(bits);
      const double value = value_of(format, pattern);
      if (!std::isnan(value) && nearest(format, value) != pattern) ++wrong;
    }
    CHECK(wrong == 0);
  }
}

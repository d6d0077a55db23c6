#include <cmath>

#include "chapters/04_transformer/rmsnorm.h"
#include "chapters/04_transformer/swiglu.h"
#include "tests/catch.h"

using rung::Matrix;

TEST_CASE("rmsnorm by hand: the mean square of (3, 4) is 12.5") {
  Matrix x(2, 2), out(2, 2);
  x << 3, 4, 0, 0;
  rung::Vector weight(2);
  weight << 2, 10;
  rung::rmsnorm(x, weight, 0.5F, out);
  CHECK(out(0, 0) == Approx(2 * 3 / std::sqrt(13.0)));  // eps inside the root
  CHECK(out(0, 1) == Approx(10 * 4 / std::sqrt(13.0)));
  CHECK(out(1, 0) == 0);
  rung::rmsnorm(x, weight, 0.5F, x);  // in place
  CHECK(x == out);
}

TEST_CASE("swiglu by hand, and at large gates") {
  Matrix gate(1, 4), up(1, 4), out(1, 4);
  gate << 0, 1, -200, 200;
  up << 5, 2, 1, 3;
  rung::swiglu(gate, up, out);
  CHECK(out(0, 0) == 0);
  CHECK(out(0, 1) == Approx(2 / (1 + std::exp(-1.0))));
  CHECK(std::abs(out(0, 2)) < 1e-30F);
  CHECK(out(0, 3) == 600);
}

// Pearson's statistic by hand, and its tail against the tables.

#include "core/check/chi_square.h"

#include <cmath>
#include <cstdint>
#include <vector>

#include "tests/catch.h"

using rung::check::chi_square;
using rung::check::chi_square_tail;

TEST_CASE("the statistic is the one made by hand") {
  // 100 draws, expected 50, 30, 20: (60-50)²/50 + (25-30)²/30 + (15-20)²/20 = 2 + 0.8333 + 1.25.
  CHECK(chi_square(std::vector<std::int64_t>{60, 25, 15}, std::vector<double>{0.5, 0.3, 0.2}) ==
        Approx(4.083333));
  CHECK(chi_square(std::vector<std::int64_t>{50, 30, 20}, std::vector<double>{0.5, 0.3, 0.2}) ==
        Approx(0).margin(1e-12));
}

TEST_CASE("a token of probability 0 that was drawn is beyond all chance, one that was not changes nothing") {
  const std::vector<double> probabilities{0.5, 0.5, 0};
  CHECK(std::isinf(chi_square(std::vector<std::int64_t>{50, 49, 1}, probabilities)));
  CHECK(chi_square(std::vector<std::int64_t>{60, 40, 0}, probabilities) == Approx(4));
  CHECK(chi_square_tail(INFINITY, 1) == 0);
}

TEST_CASE("the tail has the critical values of the tables") {
  CHECK(chi_square_tail(3.841459, 1) == Approx(0.05).epsilon(1e-5));
  CHECK(chi_square_tail(5.991465, 2) == Approx(0.05).epsilon(1e-5));
  CHECK(chi_square_tail(7.814728, 3) == Approx(0.05).epsilon(1e-5));
  CHECK(chi_square_tail(14.067140, 7) == Approx(0.05).epsilon(1e-5));
  CHECK(chi_square_tail(18.307038, 10) == Approx(0.05).epsilon(1e-5));
  CHECK(chi_square_tail(16.266236, 3) == Approx(0.001).epsilon(1e-5));
  CHECK(chi_square_tail(0, 4) == 1);
  CHECK(chi_square_tail(0, 5) == 1);
}

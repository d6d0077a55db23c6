// What the whole model's budget is made of: stochastic rounding, and the error of an accumulator that is
// drawn instead of being computed.

#include <cmath>
#include <cstddef>
#include <vector>

#include "core/check/model_rounding.h"
#include "core/check/random.h"
#include "core/check/stochastic_rounding.h"
#include "tests/catch.h"

using namespace rung;
using namespace rung::check;

TEST_CASE("stochastic rounding goes to a neighbour, and is right on average") {
  for (const NumberType type : number_types) {
    Random random(3);
    StochasticRounding round(type, 4);
    for (int i = 0; i < 1000; ++i) {
      const double value = random.normal() * std::ldexp(1.0, static_cast<int>(random.below(9)) - 4);
      const double rounded = round(value);
      INFO(name(type) << " " << value << " " << rounded);
      CHECK(static_cast<double>(round_to(type, rounded)) == rounded);
      CHECK(std::abs(rounded - value) <= 2 * unit_roundoff(type) * std::abs(value));
      CHECK(round(rounded) == rounded);
    }
    const double value = 1 + unit_roundoff(type) / 2;  // a quarter of the way from 1 to the next number
    double sum = 0;
    constexpr int draws = 40000;
    for (int i = 0; i < draws; ++i) sum += round(value);
    // The mean of n draws is off by step · sqrt(p (1 - p) / n); five of those.
    CHECK(std::abs(sum / draws - value) <= 5 * 2 * unit_roundoff(type) * std::sqrt(0.1875 / draws));
  }
}

TEST_CASE("subnormal numbers are rounded to their own neighbours") {
  StochasticRounding round(NumberType::f16, 1);
  const double rounded = round(0x1.8p-24);
  CHECK((rounded == 0x1p-24 || rounded == 0x1p-23));
  CHECK(round(0.0) == 0.0);
}

TEST_CASE("the drawn error of a sum is that of an accumulator which rounds every partial sum") {
  constexpr std::int64_t terms = 200;
  constexpr int sums = 4000;
  Random random(11);
  StochasticRounding round(NumberType::f32, 12);

  oracle::Grid drawn(1, sums), squares(1, sums);
  std::vector<double> exact(sums);
  double accumulated_variance = 0;
  for (std::size_t i = 0; i < sums; ++i) {
    // Half of them around 0, half with a mean, so that some partial sums grow like √k and some like k.
    const double mean = i % 2 == 0 ? 0 : 0.5;
    double sum = 0, rounded = 0, square = 0;
    for (std::int64_t k = 0; k < terms; ++k) {
      const double product = mean + random.normal();
      sum += product;
      square += product * product;
      rounded = round(rounded + product);
    }
    exact[i] = drawn.values[i] = sum;
    squares.values[i] = square;
    accumulated_variance += (rounded - sum) * (rounded - sum) / sums;
  }

  rounding_hook(NumberType::f32, 13).sum(drawn, squares, terms);
  double drawn_variance = 0;
  for (std::size_t i = 0; i < sums; ++i) {
    drawn_variance += (drawn.values[i] - exact[i]) * (drawn.values[i] - exact[i]) / sums;
  }
  INFO("ratio of the deviations " << std::sqrt(drawn_variance / accumulated_variance));
  CHECK(drawn_variance > 0.8 * accumulated_variance);
  CHECK(drawn_variance < 1.25 * accumulated_variance);
}

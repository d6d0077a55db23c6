#include "core/check/model_rounding.h"

#include <cmath>
#include <memory>

#include "core/check/random.h"
#include "core/check/stochastic_rounding.h"

namespace rung::check {
namespace {

constexpr double accumulator_unit = 0x1p-24;  // u of fp32, which every stage accumulates in
constexpr double partial_variance = 0.36;     // of one stochastic rounding, in (u·|s|)²

void round_sums(oracle::Grid& sums, const oracle::Grid& squares, std::int64_t terms, Random& random) {
  for (std::size_t i = 0; i < sums.values.size(); ++i) {
    const double sum = sums.values[i];
    const double partial_squares = static_cast<double>(terms + 1) * (sum * sum / 3 + squares.values[i] / 6);
    sums.values[i] += accumulator_unit * std::sqrt(partial_variance * partial_squares) * random.normal();
  }
}

void round_norm(oracle::Grid& normed, Random& random) {
  const double n = static_cast<double>(normed.columns);
  const double deviation = accumulator_unit * std::sqrt(partial_variance * (n / 3 / 4 + 1));
  for (std::int64_t t = 0; t < normed.rows; ++t) {
    const double factor = 1 + deviation * random.normal();
    for (double& value : normed.row(t)) value *= factor;
  }
}

}  // namespace

oracle::Hook rounding_hook(NumberType type, std::uint64_t seed) {
  const auto random = std::make_shared<Random>(seed);
  const auto round = std::make_shared<StochasticRounding>(type, random->bits());
  return {.see =
              [random, round](std::string_view point, oracle::Grid& values) {
                if (point.ends_with("norm")) round_norm(values, *random);
                (*round)(values.values);
              },
          .sum = [random](oracle::Grid& sums, const oracle::Grid& squares,
                          std::int64_t terms) { round_sums(sums, squares, terms, *random); }};
}

}  // namespace rung::check

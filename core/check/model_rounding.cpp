#include "core/check/model_rounding.h"

#include <algorithm>
#include <cmath>
#include <memory>
#include <span>

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

namespace {

/// Stochastically: up with a probability that is the distance from the multiple below.
double round_to_multiple(double steps, Random& random) {
  const double below = std::floor(steps);
  return random.uniform() < steps - below ? below + 1 : below;
}

/// Groups of each row to whole multiples of a 127th of their largest; `round` makes a whole number of steps.
template <typename Round>
void round_groups_to_int8(oracle::Grid& values, std::int64_t group, const Round& round) {
  for (std::int64_t t = 0; t < values.rows; ++t) {
    const std::span<double> row = values.row(t);
    for (std::int64_t first = 0; first < values.columns; first += group) {
      const auto numbers = row.subspan(static_cast<std::size_t>(first),
                                       static_cast<std::size_t>(std::min(group, values.columns - first)));
      double largest = 0;
      for (const double value : numbers) largest = std::max(largest, std::abs(value));
      const double scale = largest / 127;
      if (scale == 0) continue;
      for (double& value : numbers) value = round(value / scale) * scale;
    }
  }
}

bool is_linear_input(std::string_view point) {
  return point.ends_with("norm") || point.ends_with("attention.output") ||
         point.ends_with("feed_forward.activation");
}

}  // namespace

oracle::Hook kv_rounding_hook(KvType type, std::int64_t head_dim, std::uint64_t seed) {
  if (type == KvType::f32) return {};
  const auto random = std::make_shared<Random>(seed);
  const auto half = std::make_shared<StochasticRounding>(NumberType::f16, random->bits());
  return {.see =
              [=](std::string_view point, oracle::Grid& values) {
                if (!point.ends_with("attention.k_rotated") && !point.ends_with("attention.v")) return;
                if (type == KvType::f16)
                  (*half)(values.values);
                else
                  round_groups_to_int8(values, head_dim,
                                       [&](double steps) { return round_to_multiple(steps, *random); });
              },
          .sum = {}};
}

oracle::Hook activation_rounding_hook(std::int64_t group, std::uint64_t seed) {
  const auto random = std::make_shared<Random>(seed);
  return {.see =
              [=](std::string_view point, oracle::Grid& values) {
                if (!is_linear_input(point)) return;
                round_groups_to_int8(values, group,
                                     [&](double steps) { return round_to_multiple(steps, *random); });
              },
          .sum = {}};
}

oracle::Hook nearest_activation_hook(std::int64_t group) {
  return {.see =
              [=](std::string_view point, oracle::Grid& values) {
                if (!is_linear_input(point)) return;
                round_groups_to_int8(values, group, [](double steps) { return std::nearbyint(steps); });
              },
          .sum = {}};
}

}  // namespace rung::check

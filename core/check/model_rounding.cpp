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

void round_heads_to_int8(oracle::Grid& values, std::int64_t head_dim, Random& random) {
  for (std::size_t first = 0; first < values.values.size(); first += static_cast<std::size_t>(head_dim)) {
    const std::span<double> head(&values.values[first], static_cast<std::size_t>(head_dim));
    double largest = 0;
    for (const double value : head) largest = std::max(largest, std::abs(value));
    const double scale = largest / 127;
    for (double& value : head) {
      if (scale == 0) continue;
      const double below = std::floor(value / scale);
      value = (random.uniform() < value / scale - below ? below + 1 : below) * scale;
    }
  }
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
                  round_heads_to_int8(values, head_dim, *random);
              },
          .sum = {}};
}

}  // namespace rung::check

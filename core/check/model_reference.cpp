#include "core/check/model_reference.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "core/check/model_mistakes.h"
#include "core/check/model_rounding.h"

namespace rung::check {
namespace {

double largest_deviation(const oracle::Grid& a, const oracle::Grid& b) {
  double largest = 0;
  for (std::size_t i = 0; i < a.values.size(); ++i) {
    largest = std::max(largest, std::abs(a.values[i] - b.values[i]));
  }
  return largest;
}

double gain_of(const oracle::Grid& found, const oracle::Grid& right) {
  Gain gain;
  for (std::size_t i = 0; i < found.values.size(); ++i) gain.add(found.values[i], right.values[i]);
  return gain.value();
}

}  // namespace

const ReferencePoint* ModelReference::point(std::string_view name) const {
  const auto found = std::ranges::find(points, name, &ReferencePoint::name);
  return found == points.end() ? nullptr : &*found;
}

ModelReference measure_reference(const oracle::Transformer& oracle, std::span<const std::int32_t> tokens,
                                 NumberType type, std::uint64_t seed, KeepPoints keep_points, KvType kv,
                                 std::int64_t activation_group) {
  ModelReference reference;
  reference.activation_group = activation_group;
  reference.tokens.assign(tokens.begin(), tokens.end());
  const auto keep = [&](std::string_view point, const oracle::Grid& values) {
    reference.points.push_back({.name = std::string(point), .values = values, .budget = 0, .gain_budget = 0});
  };
  reference.logits = oracle.logits(tokens, {.see = keep, .sum = {}});

  for (int draw = 0; draw < roundings; ++draw) {
    const std::uint64_t draw_seed = seed + static_cast<std::uint64_t>(draw);
    oracle::Hook hook = rounding_hook(type, draw_seed);
    if (kv != KvType::f32)
      hook = chain(std::move(hook), kv_rounding_hook(kv, oracle.config().head_dim, ~draw_seed));
    oracle::Hook activations;
    if (activation_group > 0)
      activations = activation_rounding_hook(activation_group, draw_seed ^ 0x5bd1e995U);
    auto point = reference.points.begin();
    hook.see = [&, round = hook.see](std::string_view name, oracle::Grid& values) {
      round(name, values);
      point->budget = std::max(point->budget, budget_factor * largest_deviation(values, point->values));
      point->gain_budget =
          std::max(point->gain_budget, budget_factor * std::abs(gain_of(values, point->values)));
      ++point;
      // Behind the point: what a stage shows is what it has before it rounds.
      if (activations.see) activations.see(name, values);
    };
    oracle.logits(tokens, hook);
  }
  reference.budget = reference.points.back().budget;
  if (keep_points == KeepPoints::budgets) {
    for (ReferencePoint& point : reference.points) point.values = {};
  }
  return reference;
}

}  // namespace rung::check

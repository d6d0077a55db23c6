#include "core/check/model_reference.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>
#include <set>
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

/// Whether two scores that stand next to each other in the order of a router's best k + 1 are as close as rounding can
/// bring together: the one's distance from the other, and how much the roundings changed it.
class RouterMargins {
 public:
  explicit RouterMargins(std::int64_t used) : used_(used) {}

  /// One rounded run's scores, and the exact ones.
  void compare(const std::string& point, const oracle::Grid& rounded, const oracle::Grid& exact) {
    std::vector<double>& shifts = shifts_[point];  // [T, k], the largest
    const std::int64_t pairs = std::min(used_, exact.columns - 1);
    shifts.resize(static_cast<std::size_t>(exact.rows * pairs));
    for (std::int64_t t = 0; t < exact.rows; ++t) {
      const auto order = best(exact.row(t));
      for (std::int64_t i = 0; i < pairs; ++i) {
        const auto a = static_cast<std::size_t>(order[static_cast<std::size_t>(i)]);
        const auto b = static_cast<std::size_t>(order[static_cast<std::size_t>(i) + 1]);
        const double margin = exact.row(t)[a] - exact.row(t)[b];
        const double shift = std::abs(rounded.row(t)[a] - rounded.row(t)[b] - margin);
        double& most = shifts[static_cast<std::size_t>(t * pairs + i)];
        most = std::max(most, shift);
        if (margin <= budget_factor * most) unsure_.insert(t);
      }
    }
  }
  /// The positions, rising.
  std::vector<std::int64_t> unsure() const { return {unsure_.begin(), unsure_.end()}; }

 private:
  static std::vector<std::int64_t> best(std::span<const double> scores) {
    std::vector<std::int64_t> order(scores.size());
    std::iota(order.begin(), order.end(), std::int64_t{0});
    std::ranges::sort(order, {}, [&](std::int64_t i) {  // highest first, of equal ones the lower number
      return std::pair(-scores[static_cast<std::size_t>(i)], i);
    });
    return order;
  }

  std::int64_t used_;
  std::map<std::string, std::vector<double>> shifts_;
  std::set<std::int64_t> unsure_;
};

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

  RouterMargins margins(oracle.config().mixture ? oracle.config().mixture->experts_used : 0);
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
      if (name.ends_with("router.scores")) margins.compare(point->name, values, point->values);
      ++point;
      // Behind the point: what a stage shows is what it has before it rounds.
      if (activations.see) activations.see(name, values);
    };
    oracle.logits(tokens, hook);
  }
  reference.unsure = margins.unsure();
  reference.budget = reference.points.back().budget;
  if (keep_points == KeepPoints::budgets) {
    for (ReferencePoint& point : reference.points) point.values = {};
  }
  return reference;
}

}  // namespace rung::check

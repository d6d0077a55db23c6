#include "core/oracle/routing.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "core/error.h"
#include "core/oracle/sizes.h"
#include "core/oracle/softmax.h"

namespace rung::oracle {

namespace {

constexpr double taken = -std::numeric_limits<double>::infinity();

/// The places of the `count` highest, by looking for the highest `count` times.
std::vector<std::int32_t> highest(std::vector<double> numbers, std::int64_t count) {
  std::vector<std::int32_t> places;
  for (std::int64_t i = 0; i < count; ++i) {
    const auto place =
        std::max_element(numbers.begin(), numbers.end()) - numbers.begin();  // the first of equals
    places.push_back(static_cast<std::int32_t>(place));
    numbers[static_cast<std::size_t>(place)] = taken;
  }
  return places;
}

void divide_by_sum(std::vector<double>& weights) {
  double sum = 0;
  for (const double weight : weights) sum += weight;
  if (sum == 0) return;
  for (double& weight : weights) weight /= sum;
}

}  // namespace

Route softmax_top_k(std::span<const double> scores, std::int64_t used, bool renormalize) {
  const auto experts = static_cast<std::int64_t>(scores.size());
  if (used < 1 || used > experts)
    throw Error(ErrorKind::usage, "oracle softmax_top_k: {} of {} experts", used, experts);
  std::vector<double> probabilities(scores.size());
  softmax(scores, 1, experts, probabilities);
  Route route{.chosen = highest({scores.begin(), scores.end()}, used), .weights = {}};
  for (const std::int32_t expert : route.chosen)
    route.weights.push_back(probabilities[static_cast<std::size_t>(expert)]);
  if (renormalize) divide_by_sum(route.weights);
  return route;
}

Route sigmoid_top_k(std::span<const double> scores, std::span<const double> bias, std::int64_t used,
                    const GroupRule& rule) {
  const auto experts = static_cast<std::int64_t>(scores.size());
  require_size("sigmoid_top_k", "bias", bias.size(), {experts});
  if (used < 1 || rule.groups < 1 || experts % rule.groups != 0 || rule.groups_used < 1 ||
      rule.groups_used > rule.groups || used > experts / rule.groups * rule.groups_used) {
    throw Error(ErrorKind::usage, "oracle sigmoid_top_k: {} of {} experts in {} of {} groups", used, experts,
                rule.groups_used, rule.groups);
  }
  const std::int64_t size = experts / rule.groups;
  std::vector<double> sigmoids, ranked;
  for (std::size_t e = 0; e < scores.size(); ++e) {
    sigmoids.push_back(1 / (1 + std::exp(-scores[e])));
    ranked.push_back(sigmoids[e] + bias[e]);
  }
  std::vector<double> of_group;
  for (std::int64_t g = 0; g < rule.groups; ++g) {
    const std::vector<double> members(ranked.begin() + g * size, ranked.begin() + (g + 1) * size);
    double sum = 0;
    for (const std::int32_t place : highest(members, std::min<std::int64_t>(2, size)))
      sum += members[static_cast<std::size_t>(place)];
    of_group.push_back(sum);
  }
  const std::vector<std::int32_t> open = highest(of_group, rule.groups_used);
  for (std::int64_t e = 0; e < experts; ++e) {
    if (std::find(open.begin(), open.end(), e / size) == open.end())
      ranked[static_cast<std::size_t>(e)] = taken;
  }
  Route route{.chosen = highest(ranked, used), .weights = {}};
  for (const std::int32_t expert : route.chosen)
    route.weights.push_back(sigmoids[static_cast<std::size_t>(expert)]);
  if (rule.renormalize) divide_by_sum(route.weights);
  for (double& weight : route.weights) weight *= rule.scale;
  return route;
}

}  // namespace rung::oracle

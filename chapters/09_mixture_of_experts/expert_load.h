#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "chapters/09_mixture_of_experts/routing.h"
#include "core/tensor/matrix.h"

namespace rung {

/// How evenly the experts are used.
struct ExpertLoad {
  std::vector<std::int64_t> counts;  ///< [E], rows that go to each
  double entropy = 0;    ///< of the experts' shares, in nats: ln E when all have the same, 0 when one has all
  double imbalance = 0;  ///< the largest count over the mean: 1 when even, E when one has all of k = 1
};

/// @throws Error (usage) for a routing of no rows
ExpertLoad expert_load(const Routing& routing);

/// What training adds to its loss so that the router spreads its rows: E · sum over e of f_e · P_e, where f_e is the
/// expert's share of the T · k routes and P_e its mean probability. 1 when both are even, more when those that have
/// many rows also have high probabilities. (Implementations that count f_e in rows, not routes, get k times as much.)
/// @param scores  [T, E], those that the routing was made of
/// Source: Fedus et al., arXiv:2101.03961, section 2.2, equations 4 to 6.
/// @throws Error (usage) where the scores are of other rows or experts than the routing is, or there is no row
double balance_loss(const ConstMatrixView& scores, const Routing& routing);

/// What DeepSeek-V3 does instead, after each batch: an expert with more rows than the mean gets its bias lowered by
/// `step`, one with fewer raised, one with exactly the mean keeps it.
/// @param counts  [E]
/// @param bias    [E], changed
/// Source: Wang et al., arXiv:2408.15664, algorithm 1; DeepSeek-AI, arXiv:2412.19437, section 2.1.2.
/// @throws Error (usage) where there are not as many counts as biases
void update_bias(std::span<const std::int64_t> counts, float step, std::span<float> bias);

/// How many different experts a batch touches when each row goes to k of E, all equally likely and each row by itself:
/// E · (1 - (1 - k / E)^rows).
/// @throws Error (usage) unless 1 <= used <= experts and rows >= 0
double expected_experts(std::int64_t experts, std::int64_t used, std::int64_t rows);

}  // namespace rung

#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace rung {

/// A token that may come next.
struct Choice {
  std::int32_t token = 0;
  double probability = 0;
};

/// What may come next, likeliest first (equal ones: lower token first), summing to 1. Every rule of sampling
/// takes a distribution and gives one; a token that a rule takes away is gone for good.
using Distribution = std::vector<Choice>;

/// softmax(logits / temperature). In double, with the largest logit subtracted.
/// @param logits       [V], finite or -infinity, at least one of them finite
/// @param temperature  > 0; below 1 sharpens, above 1 flattens
/// @throws Error (bad_input) when there is no logit, one is NaN or +infinity, or none is finite
Distribution distribution(std::span<const float> logits, double temperature);

/// The token with the largest logit; of equal ones the lowest.
/// @throws Error (bad_input) when there is no logit, or one is NaN
std::int32_t greedy(std::span<const float> logits);

}  // namespace rung

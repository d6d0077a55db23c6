#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "chapters/05_sampling/random.h"

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

/// Keeps the k likeliest. k >= 1.
Distribution top_k(Distribution from, std::int64_t k);

/// Keeps the fewest of the likeliest that together have probability p or more ("nucleus"); always at least
/// one. Source: Holtzman et al., arXiv:1904.09751, section 3.1.
/// @param p  in (0, 1]
Distribution top_p(Distribution from, double p);

/// Keeps those at least `share` times as likely as the likeliest. Source: Nguyen et al., arXiv:2407.01082.
/// @param share  in [0, 1]
Distribution min_p(Distribution from, double share);

/// Makes tokens that have occurred less likely, in place: a positive logit is divided by `penalty`, a
/// negative one multiplied. Each token once, however often it occurred. Source: Keskar et al.,
/// arXiv:1909.05858, section 4.1.
/// @param logits   [V]
/// @param seen     ids in [0, V)
/// @param penalty  > 0; 1 changes nothing
void penalise_repetition(std::span<float> logits, std::span<const std::int32_t> seen, double penalty);

/// Draws one token with one uniform number: the first whose cumulative probability exceeds it.
std::int32_t draw(const Distribution& from, Random& random);

/// The token with the largest logit; of equal ones the lowest.
/// @throws Error (bad_input) when there is no logit, or one is NaN
std::int32_t greedy(std::span<const float> logits);

}  // namespace rung

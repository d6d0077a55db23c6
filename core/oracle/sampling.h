#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace rung::oracle {

/// Tokens and their probabilities, likeliest first, of equal ones the lower token first.
struct TokenProbabilities {
  std::vector<std::int32_t> tokens;
  std::vector<double> probabilities;
  bool operator==(const TokenProbabilities&) const = default;
};

/// softmax(logits / temperature), sorted; temperature 0: the token of the largest logit (the lowest of equals) alone.
/// @param logits  [V], finite or -infinity, at least one finite
TokenProbabilities distribution(std::span<const double> logits, double temperature);

/// How many of the likeliest each rule keeps.
enum class Truncation {
  top_k,  ///< `value` of them
  top_p,  ///< the fewest that together have probability `value` or more; at least one
  min_p,  ///< those at least `value` times as likely as the likeliest
};

/// What the rule keeps, summing to 1 again.
/// Sources: Holtzman et al., arXiv:1904.09751, section 3.1; Nguyen et al., arXiv:2407.01082.
TokenProbabilities truncated(const TokenProbabilities& from, Truncation rule, double value);

/// The first token whose cumulative probability exceeds u; where none does, the last of probability above 0.
/// @param u  in [0, 1)
std::int32_t drawn(const TokenProbabilities& from, double u);

}  // namespace rung::oracle

#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "core/check/function_check.h"
#include "core/oracle/sampling.h"

// Chapter 05's functions: what they take, and their checks.

namespace rung::check {

/// Tokens and their probabilities, likeliest first.
using oracle::TokenProbabilities;
/// "[2: 0.5, 0: 0.3]".
std::string show_choices(const TokenProbabilities& choices);
/// The same tokens in the same order, probabilities within `relative`.
bool same_choices(const TokenProbabilities& found, const TokenProbabilities& expected, double relative);

/// As difference_of_numbers(), for choices.
std::string difference_of_choices(const TokenProbabilities& found, const TokenProbabilities& expected,
                                  double relative);

/// Logits [V] and a temperature.
struct DistributionInput {
  std::vector<float> logits;
  double temperature = 1;  ///< 0: greedy, whose token gets all
  /// Whether these may be logits that have to be refused with Error (bad_input).
  bool doubtful = false;
};
/// Of doubtful logits: an Error (bad_input) comes back as no choices at all, and any answer where there has to be an error
/// as one and the same.
/// @param answer  what a candidate makes of them
TokenProbabilities judge_refusal(const DistributionInput& input,
                                 const std::function<TokenProbabilities()>& answer);
/// Chapter 05's softmax with temperature, and greedy.
FunctionCheck<DistributionInput, TokenProbabilities> distribution_check();

/// A sorted distribution, and the rule that cuts it.
struct TruncationInput {
  oracle::Truncation rule = oracle::Truncation::top_k;
  double value = 0;  ///< k, p or share
  TokenProbabilities from;
};
/// Chapter 05's top-k, top-p and min-p.
FunctionCheck<TruncationInput, TokenProbabilities> truncation_check();

/// Logits, the tokens seen so far, and the penalty on them; the logits come back.
struct RepetitionInput {
  std::vector<float> logits;
  std::vector<std::int32_t> seen;
  double penalty = 1;
};
/// Chapter 05's repetition penalty.
FunctionCheck<RepetitionInput, std::vector<double>> repetition_penalty_check();

/// Draws with the numbers that a generator of this seed gives.
struct DrawInput {
  TokenProbabilities from;
  std::uint64_t seed = 0;
  int draws = 1;
};
/// The tokens drawn. A few are right or wrong one by one; of thousands the counts are judged by a chi-square test.
struct Draws {
  std::vector<std::int32_t> tokens;
  double chi_square = 0;  ///< of thousands; else 0
  int degrees = 0;
  double next = 0;  ///< the number that the generator gives after them, which tells how many were drawn
  bool operator==(const Draws&) const = default;
};
/// What a candidate drew, with its statistic.
/// @param next  the number that the generator gives after the draws
Draws judge_draws(const DrawInput& input, std::vector<std::int32_t> tokens, double next);
/// Chapter 05's draw.
FunctionCheck<DrawInput, Draws> draw_check();

}  // namespace rung::check

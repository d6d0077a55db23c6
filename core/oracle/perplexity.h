#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace rung::oracle {

/// -ln softmax(logits)[target], in nats.
/// @param logits  [V], finite or -infinity, at least one finite
double token_cross_entropy(std::span<const double> logits, std::int64_t target);

/// Σ p·(ln p − ln q), p and q the softmax of the logits; a token of p = 0 adds nothing.
/// Source: Kullback and Leibler, 1951, doi:10.1214/aoms/1177729694.
double kl_from_logits(std::span<const double> p_logits, std::span<const double> q_logits);

/// Mean, and the standard error of it: the standard deviation (of n − 1) over √n.
struct MeanAndError {
  double mean = 0;
  double error = 0;
};
/// @param numbers  one or more; the error of one is NaN
MeanAndError mean_and_error(std::span<const double> numbers);

/// Which tokens of a window are scored: [first_scored, length), counted in the window.
struct TextWindow {
  std::int64_t first = 0, length = 0, first_scored = 0;
};
/// Whole chunks, of which the tokens behind position context/2 are scored (llama.cpp, tools/perplexity).
std::vector<TextWindow> text_chunks(std::int64_t tokens, std::int64_t context);
/// Windows `stride` apart; of each is scored what is not yet.
std::vector<TextWindow> text_strides(std::int64_t tokens, std::int64_t context, std::int64_t stride);

}  // namespace rung::oracle

#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "core/stage/batch.h"
#include "core/tensor/matrix.h"

namespace rung {

// How well a model predicts a text, and how far two models are apart on it: what quantisation costs. Everything is in
// double and in nats (natural logarithms).

/// ln softmax(logits), [V]: the logarithm of each token's probability. The largest logit is taken out first, so that
/// exp cannot overflow.
/// @param logits  [V], finite or -infinity, at least one of them finite
/// @throws Error (bad_input) when one is NaN or +infinity, or none is finite
std::vector<double> log_probabilities(std::span<const float> logits);

/// -ln p(target): how surprised the model is by the token that really came. ln V for a model that knows nothing.
/// @param logits  [V], as for log_probabilities()
/// @param target  the token that came
/// @throws Error (usage) for a token outside the vocabulary, (bad_input) as log_probabilities() does
double cross_entropy(std::span<const float> logits, std::int32_t target);

/// The cross entropy of every row of logits. Row i comes after tokens[first + i] has been read, so it is judged by the
/// token behind it, tokens[first + i + 1].
/// @param logits  [rows, V], of positions first, first + 1, …
/// @param tokens  the whole sequence
/// @throws Error (usage) when there is no token behind the last row
std::vector<double> cross_entropies(const ConstMatrixView& logits, std::span<const std::int32_t> tokens,
                                    std::int64_t first);

// [estimate]
/// A number measured on samples, and how uncertain it is for their being no more.
struct Estimate {
  double value = 0;
  double standard_error = 0;  ///< NaN of fewer than two samples
};

/// Mean of the samples and its standard error s/√n, s² = Σ(x − mean)²/(n − 1). As if samples were independent, which
/// neighbouring tokens of a text are not quite: the true error is somewhat larger.
/// @throws Error (usage) for no samples
Estimate mean_of(std::span<const double> samples);

/// exp of the mean cross entropy: as uncertain as a choice among that many equally likely tokens. Its standard error
/// is that of the mean times the perplexity, exp's derivative. Jelinek et al., 1977, doi:10.1121/1.2016299.
/// @param cross_entropies  in nats
/// @throws Error (usage) for none
Estimate perplexity(std::span<const double> cross_entropies);
// [estimate]

/// KL(P‖Q) = Σ p·(ln p − ln q), with p = softmax(p_logits): the nats that are lost by believing Q where P is right.
/// 0 for the same distribution, else above 0; not symmetric. Kullback and Leibler, 1951, doi:10.1214/aoms/1177729694.
/// @param p_logits  [V], of the model that is believed, such as the one that is not quantised
/// @param q_logits  [V], of the one that is judged
/// @throws Error (usage) for vocabularies of different size, (bad_input) as log_probabilities() does
double kl_divergence(std::span<const float> p_logits, std::span<const float> q_logits);

/// A stretch of a text that is run as a sequence of its own, and the part of it that is scored.
struct ScoredWindow {
  std::int64_t first = 0;   ///< its first token in the text
  std::int64_t length = 0;  ///< tokens
  std::int64_t first_scored =
      1;  ///< the first token of the window that is predicted and judged, counted in it
  friend bool operator==(const ScoredWindow&, const ScoredWindow&) = default;
};

/// llama.cpp's convention (tools/perplexity), by which most perplexities of quantised models are published: the text in
/// chunks of `context` tokens, one behind the other, without the rest that fills no chunk. Of each, the tokens behind
/// position context/2 are scored, so that each of them has at least half a context before it.
/// @throws Error (usage) when context is below 4 or there is no whole chunk
std::vector<ScoredWindow> chunks_of(std::int64_t tokens, std::int64_t context);

/// The strided convention (Hugging Face's "Perplexity of fixed-length models"): windows of `context` tokens, each
/// `stride` further on; of each, what no window before has scored. Every token but the first is scored once, and
/// behind the first window has at least context − stride tokens before it. Slower by context/stride than windows side by
/// side, and lower than they are, for those have tokens with next to nothing before them.
/// @throws Error (usage) unless 1 <= stride < context and there are two tokens
std::vector<ScoredWindow> strided_windows(std::int64_t tokens, std::int64_t context, std::int64_t stride);

/// The batches of at most `rows` rows that run a window as sequence 0; the rows before a scored token want logits. The
/// caller drops sequence 0 behind the last one. The window's last token is read by nobody, so it is in none.
/// @param bos  stands in for the window's first token, where the model begins every text with it, as llama.cpp does
std::vector<Batch> batches_of(const ScoredWindow& window, std::span<const std::int32_t> tokens,
                              std::optional<std::int32_t> bos, std::int64_t rows);

}  // namespace rung

#include "chapters/08_quantization/perplexity.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>

#include "core/error.h"

namespace rung {
namespace {

/// ln Σ exp(logit): what a logit has to lose to be a log-probability.
double log_normaliser(std::span<const float> logits) {
  double largest = -std::numeric_limits<double>::infinity();
  for (const float logit : logits) largest = std::max(largest, double{logit});
  double sum = 0;
  for (const float logit : logits) sum += std::exp(double{logit} - largest);
  if (!std::isfinite(sum) || logits.empty()) {
    throw Error(ErrorKind::bad_input,
                "logits: expected finite numbers or -infinity, at least one finite, found {}; are the "
                "weights damaged?",
                logits.empty() ? "none" : "NaN, +infinity or only -infinity");
  }
  return largest + std::log(sum);
}

void require_usage(bool holds, const char* what, std::int64_t found) {
  if (!holds) throw Error(ErrorKind::usage, "{}, found {}", what, found);
}

}  // namespace

// [cross entropy]
std::vector<double> log_probabilities(std::span<const float> logits) {
  const double normaliser = log_normaliser(logits);
  std::vector<double> logs(logits.size());
  for (std::size_t token = 0; token < logits.size(); ++token)
    logs[token] = double{logits[token]} - normaliser;
  return logs;
}

double cross_entropy(std::span<const float> logits, std::int32_t target) {
  if (target < 0 || static_cast<std::size_t>(target) >= logits.size()) {
    throw Error(ErrorKind::usage, "cross entropy: expected a token from 0 to {}, found {}",
                std::ssize(logits) - 1, target);
  }
  return log_normaliser(logits) - double{logits[static_cast<std::size_t>(target)]};
}

std::vector<double> cross_entropies(const ConstMatrixView& logits, std::span<const std::int32_t> tokens,
                                    std::int64_t first) {
  if (first < 0 || first + logits.rows() >= std::ssize(tokens)) {
    throw Error(ErrorKind::usage,
                "cross entropy: rows {} to {} need the token behind each of them; there are {}", first,
                first + logits.rows() - 1, tokens.size());
  }
  std::vector<double> entropies;
  entropies.reserve(static_cast<std::size_t>(logits.rows()));
  for (Eigen::Index row = 0; row < logits.rows(); ++row) {
    const std::span<const float> numbers(logits.row(row).data(), static_cast<std::size_t>(logits.cols()));
    entropies.push_back(cross_entropy(numbers, tokens[static_cast<std::size_t>(first + row + 1)]));
  }
  return entropies;
}
// [cross entropy]

// [perplexity]
Estimate mean_of(std::span<const double> samples) {
  if (samples.empty()) throw Error(ErrorKind::usage, "a mean: expected at least one number, found none");
  const auto n = static_cast<double>(samples.size());
  double sum = 0;
  for (const double sample : samples) sum += sample;
  const double mean = sum / n;
  double squares = 0;
  for (const double sample : samples) squares += (sample - mean) * (sample - mean);
  return {mean, std::sqrt(squares / (n - 1) / n)};  // 0/0 of a single sample is the NaN that it should be
}

Estimate perplexity(std::span<const double> cross_entropies) {
  const Estimate mean = mean_of(cross_entropies);
  const double value = std::exp(mean.value);
  return {value, value * mean.standard_error};
}
// [perplexity]

// [kl]
double kl_divergence(std::span<const float> p_logits, std::span<const float> q_logits) {
  if (p_logits.size() != q_logits.size()) {
    throw Error(ErrorKind::usage,
                "KL divergence: expected distributions over as many tokens, found {} and {}", p_logits.size(),
                q_logits.size());
  }
  const std::vector<double> log_p = log_probabilities(p_logits);
  const std::vector<double> log_q = log_probabilities(q_logits);
  double sum = 0;
  for (std::size_t token = 0; token < log_p.size(); ++token) {
    const double p = std::exp(log_p[token]);
    if (p > 0) sum += p * (log_p[token] - log_q[token]);  // p ln p goes to 0 with p
  }
  return sum;
}
// [kl]

// [windows]
std::vector<ScoredWindow> chunks_of(std::int64_t tokens, std::int64_t context) {
  require_usage(context >= 4, "expected a context of at least 4 tokens", context);
  require_usage(tokens >= context, "expected the text to fill at least one chunk", tokens);
  std::vector<ScoredWindow> windows;
  for (std::int64_t first = 0; first + context <= tokens; first += context) {
    windows.push_back({.first = first, .length = context, .first_scored = context / 2 + 1});
  }
  return windows;
}

std::vector<ScoredWindow> strided_windows(std::int64_t tokens, std::int64_t context, std::int64_t stride) {
  require_usage(stride >= 1 && stride < context, "expected a stride of at least 1 and below the context",
                stride);
  require_usage(tokens >= 2, "expected a text of at least 2 tokens", tokens);
  std::vector<ScoredWindow> windows;
  std::int64_t scored = 1;  // tokens [1, scored) of the text have been; the first has nothing before it
  for (std::int64_t first = 0; scored < tokens; first += stride) {
    const std::int64_t end = std::min(first + context, tokens);
    windows.push_back({.first = first, .length = end - first, .first_scored = scored - first});
    scored = end;
  }
  return windows;
}
// [windows]

std::vector<Batch> batches_of(const ScoredWindow& window, std::span<const std::int32_t> tokens,
                              std::optional<std::int32_t> bos, std::int64_t rows) {
  if (window.first < 0 || window.first + window.length > std::ssize(tokens) || window.first_scored < 1 ||
      rows < 1) {
    throw Error(ErrorKind::usage, "a window of {} tokens from {} on: the text has {}", window.length,
                window.first, tokens.size());
  }
  std::vector<Batch> batches;
  for (std::int64_t position = 0; position + 1 < window.length; ++position) {
    if (position % rows == 0) batches.emplace_back();
    const std::int32_t token = tokens[static_cast<std::size_t>(window.first + position)];
    batches.back().rows.push_back({.token = position == 0 ? bos.value_or(token) : token,
                                   .sequence = 0,
                                   .position = static_cast<std::int32_t>(position),
                                   .wants_logits = position + 1 >= window.first_scored});
  }
  return batches;
}

}  // namespace rung

// Exercise 8.4: what is lost. What the functions must do stands in chapters/08_quantization/perplexity.h.
//
// This file takes the place of chapters/08_quantization/perplexity.cpp, so it must define what that one does. The
// overlapping windows and the batches are given; the other seven functions are yours.

#include "chapters/08_quantization/perplexity.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>

#include "core/error.h"

namespace rung {
namespace {

// Given: refuses what cannot be meant.
void require_usage(bool holds, const char* what, std::int64_t found) {
  if (!holds) throw Error(ErrorKind::usage, "{}, found {}", what, found);
}

}  // namespace

std::vector<double> log_probabilities(std::span<const float> logits) {
  throw Error(
      ErrorKind::bad_input,
      "log_probabilities is not written yet: chapters/08_quantization/exercises/README.md, exercise 8.4");
}

double cross_entropy(std::span<const float> logits, std::int32_t target) {
  throw Error(ErrorKind::bad_input,
              "cross_entropy is not written yet: chapters/08_quantization/exercises/README.md, exercise 8.4");
}

std::vector<double> cross_entropies(const ConstMatrixView& logits,  // [rows, V]
                                    std::span<const std::int32_t> tokens, std::int64_t first) {
  throw Error(
      ErrorKind::bad_input,
      "cross_entropies is not written yet: chapters/08_quantization/exercises/README.md, exercise 8.4");
}

Estimate mean_of(std::span<const double> samples) {
  throw Error(ErrorKind::bad_input,
              "mean_of is not written yet: chapters/08_quantization/exercises/README.md, exercise 8.4");
}

Estimate perplexity(std::span<const double> cross_entropies) {
  throw Error(ErrorKind::bad_input,
              "perplexity is not written yet: chapters/08_quantization/exercises/README.md, exercise 8.4");
}

double kl_divergence(std::span<const float> p_logits, std::span<const float> q_logits) {
  throw Error(ErrorKind::bad_input,
              "kl_divergence is not written yet: chapters/08_quantization/exercises/README.md, exercise 8.4");
}

std::vector<ScoredWindow> chunks_of(std::int64_t tokens, std::int64_t context) {
  require_usage(context >= 4, "expected a context of at least 4 tokens", context);
  require_usage(tokens >= context, "expected the text to fill at least one chunk", tokens);
  throw Error(ErrorKind::bad_input,
              "chunks_of is not written yet: chapters/08_quantization/exercises/README.md, exercise 8.4");
}

// Given.
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

// Given.
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

#include "core/oracle/perplexity.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "core/oracle/softmax.h"

namespace rung::oracle {
namespace {

/// ln Σ exp(x), by pairs: ln(eᵃ + eᵇ) = max + ln(1 + e^(min − max)).
double log_of_sum(std::span<const double> x) {
  double sum = -std::numeric_limits<double>::infinity();
  for (const double one : x) {
    const double larger = std::max(sum, one);
    const double smaller = std::min(sum, one);
    if (std::isfinite(larger)) sum = larger + std::log1p(std::exp(smaller - larger));
  }
  return sum;
}

}  // namespace

double token_cross_entropy(std::span<const double> logits, std::int64_t target) {
  return log_of_sum(logits) - logits[static_cast<std::size_t>(target)];
}

double kl_from_logits(std::span<const double> p_logits, std::span<const double> q_logits) {
  std::vector<double> p(p_logits.size());
  softmax(p_logits, 1, std::ssize(p_logits), p);
  double sum = 0;
  for (std::size_t i = 0; i < p.size(); ++i) {
    const auto token = static_cast<std::int64_t>(i);
    if (p[i] > 0) sum += p[i] * (token_cross_entropy(q_logits, token) - token_cross_entropy(p_logits, token));
  }
  return sum;
}

MeanAndError mean_and_error(std::span<const double> numbers) {
  const auto n = static_cast<double>(numbers.size());
  double mean = 0;
  for (const double number : numbers) mean += number / n;
  double variance = 0;
  for (const double number : numbers) variance += std::pow(number - mean, 2) / (n - 1);
  return {mean, std::sqrt(variance) / std::sqrt(n)};
}

std::vector<TextWindow> text_chunks(std::int64_t tokens, std::int64_t context) {
  std::vector<TextWindow> windows;
  windows.reserve(static_cast<std::size_t>(tokens / context));
  for (std::int64_t i = 0; i < tokens / context; ++i)
    windows.push_back({i * context, context, context / 2 + 1});
  return windows;
}

std::vector<TextWindow> text_strides(std::int64_t tokens, std::int64_t context, std::int64_t stride) {
  std::vector<TextWindow> windows = {{0, std::min(context, tokens), 1}};
  for (std::int64_t end = windows.front().length; end < tokens;) {
    const std::int64_t first = windows.back().first + stride;
    windows.push_back({first, std::min(context, tokens - first), end - first});
    end = first + windows.back().length;
  }
  return windows;
}

}  // namespace rung::oracle

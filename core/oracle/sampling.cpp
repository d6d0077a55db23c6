#include "core/oracle/sampling.h"

#include <cmath>
#include <cstddef>

namespace rung::oracle {

TokenProbabilities distribution(std::span<const double> logits, double temperature) {
  // The likeliest of those left, again and again.
  TokenProbabilities result;
  std::vector<bool> taken(logits.size(), false);
  double sum = 0;
  for (std::size_t rank = 0; rank < logits.size(); ++rank) {
    std::size_t best = logits.size();
    for (std::size_t token = 0; token < logits.size(); ++token) {
      if (!taken[token] && (best == logits.size() || logits[token] > logits[best])) best = token;
    }
    taken[best] = true;
    result.tokens.push_back(static_cast<std::int32_t>(best));
    if (temperature == 0) return {result.tokens, {1}};
    const double largest = logits[static_cast<std::size_t>(result.tokens.front())];
    result.probabilities.push_back(std::exp((logits[best] - largest) / temperature));
    sum += result.probabilities.back();
  }
  for (double& probability : result.probabilities) probability /= sum;
  return result;
}

TokenProbabilities truncated(const TokenProbabilities& from, Truncation rule, double value) {
  TokenProbabilities result;
  double kept = 0;
  for (std::size_t rank = 0; rank < from.tokens.size(); ++rank) {
    const double probability = from.probabilities[rank];
    const bool enough = rule == Truncation::top_k   ? static_cast<double>(rank) >= value
                        : rule == Truncation::top_p ? kept >= value
                                                    : probability < value * from.probabilities.front();
    if (enough && rank > 0) break;
    result.tokens.push_back(from.tokens[rank]);
    result.probabilities.push_back(probability);
    kept += probability;
  }
  for (double& probability : result.probabilities) probability /= kept;
  return result;
}

std::int32_t drawn(const TokenProbabilities& from, double u) {
  double cumulative = 0;
  std::size_t last = 0;
  for (std::size_t rank = 0; rank < from.tokens.size(); ++rank) {
    if (from.probabilities[rank] == 0) continue;
    last = rank;
    cumulative += from.probabilities[rank];
    if (cumulative > u) break;
  }
  return from.tokens[last];
}

}  // namespace rung::oracle

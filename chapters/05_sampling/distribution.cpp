#include "chapters/05_sampling/distribution.h"

#include <algorithm>
#include <cmath>
#include <unordered_set>

#include "core/error.h"

namespace rung {

namespace {

// Keeps the first `count` choices and makes them sum to 1 again.
Distribution keep_first(Distribution from, std::size_t count) {
  from.resize(std::clamp<std::size_t>(count, 1, from.size()));
  double sum = 0;
  for (const Choice& choice : from) sum += choice.probability;
  for (Choice& choice : from) choice.probability /= sum;
  return from;
}

}  // namespace

Distribution distribution(std::span<const float> logits, double temperature) {
  const double largest = logits[static_cast<std::size_t>(greedy(logits))];
  if (!std::isfinite(largest)) {
    throw Error(ErrorKind::bad_input, "logits: expected finite numbers, the largest is {}", largest);
  }
  Distribution choices;
  choices.reserve(logits.size());
  double sum = 0;
  for (std::size_t token = 0; token < logits.size(); ++token) {
    const double weight = std::exp((logits[token] - largest) / temperature);
    sum += weight;
    choices.push_back({static_cast<std::int32_t>(token), weight});
  }
  for (Choice& choice : choices) choice.probability /= sum;
  std::ranges::sort(choices, [](const Choice& a, const Choice& b) {
    return a.probability != b.probability ? a.probability > b.probability : a.token < b.token;
  });
  return choices;
}

Distribution top_k(Distribution from, std::int64_t k) {
  return keep_first(std::move(from), static_cast<std::size_t>(k));
}

Distribution top_p(Distribution from, double p) {
  double sum = 0;
  std::size_t count = 0;
  while (count < from.size() && sum < p) sum += from[count++].probability;
  return keep_first(std::move(from), count);
}

Distribution min_p(Distribution from, double share) {
  const double least = share * from.front().probability;
  const auto end =
      std::ranges::find_if(from, [least](const Choice& choice) { return choice.probability < least; });
  const auto count = static_cast<std::size_t>(end - from.begin());
  return keep_first(std::move(from), count);
}

void penalise_repetition(std::span<float> logits, std::span<const std::int32_t> seen, double penalty) {
  const std::unordered_set<std::int32_t> once(seen.begin(), seen.end());
  for (const std::int32_t token : once) {
    float& logit = logits[static_cast<std::size_t>(token)];
    logit = static_cast<float>(logit > 0 ? logit / penalty : logit * penalty);
  }
}

std::int32_t draw(const Distribution& from, Random& random) {
  const double u = random.uniform();
  double cumulative = 0;
  std::int32_t last = from.front().token;
  for (const Choice& choice : from) {
    if (choice.probability == 0) break;  // sorted: only zeros follow
    cumulative += choice.probability;
    last = choice.token;
    if (u < cumulative) return last;
  }
  // Rounding left the sum below 1 and u fell into the gap: the last one that has any probability.
  return last;
}

std::int32_t greedy(std::span<const float> logits) {
  if (logits.empty()) {
    throw Error(ErrorKind::bad_input, "logits: expected one for each token of the vocabulary, found none");
  }
  std::size_t best = 0;
  for (std::size_t token = 0; token < logits.size(); ++token) {
    if (std::isnan(logits[token])) {
      throw Error(ErrorKind::bad_input,
                  "logits: expected numbers, found NaN for token {}; are the weights damaged?", token);
    }
    if (logits[token] > logits[best]) best = token;
  }
  return static_cast<std::int32_t>(best);
}

}  // namespace rung

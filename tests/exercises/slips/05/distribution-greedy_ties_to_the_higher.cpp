#include <algorithm>
#include <cmath>

#include "chapters/05_sampling/distribution.h"
#include "core/error.h"

namespace rung {

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
    if (logits[token] >= logits[best]) best = token;
  }
  return static_cast<std::int32_t>(best);
}

}  // namespace rung

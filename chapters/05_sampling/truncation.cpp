#include "chapters/05_sampling/truncation.h"

#include <algorithm>
#include <utility>

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

}  // namespace rung

#include "chapters/05_sampling/draw.h"

namespace rung {

std::int32_t draw(const Distribution& from, Random& random) {
  const double u = random.uniform();
  double cumulative = 0;
  std::int32_t last = from.front().token;
  for (const Choice& choice : from) {
    cumulative += choice.probability;
    last = choice.token;
    if (u < cumulative) return last;
  }
  // Rounding left the sum below 1 and u fell into the gap: the last one that has any probability.
  return last;
}

}  // namespace rung

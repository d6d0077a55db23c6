#include "chapters/15_flash_attention/online_softmax.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace rung {

OnlineSoftmax OnlineSoftmax::none(std::size_t size) {
  return {.max = -std::numeric_limits<float>::infinity(), .sum = 0, .value = std::vector<float>(size, 0)};
}

// [add]
void add_key(OnlineSoftmax& state, float score, std::span<const float> value) {
  const float new_max = std::max(state.max, score);
  if (std::isinf(new_max)) return;  // −∞: masked, and nothing else so far; −∞ − −∞ is NaN
  const float rescale = std::exp(state.max - new_max);  // the first time exp(−∞), which is 0
  const float weight = std::exp(score - new_max);
  state.max = new_max;
  state.sum = state.sum * rescale + weight;
  for (std::size_t d = 0; d < state.value.size(); ++d)
    state.value[d] = state.value[d] * rescale + weight * value[d];
}
// [add]

// [merge]
OnlineSoftmax merged(const OnlineSoftmax& a, const OnlineSoftmax& b) {
  OnlineSoftmax both = OnlineSoftmax::none(a.value.size());
  both.max = std::max(a.max, b.max);
  if (std::isinf(both.max)) return both;
  const float of_a = std::exp(a.max - both.max);
  const float of_b = std::exp(b.max - both.max);
  both.sum = a.sum * of_a + b.sum * of_b;
  for (std::size_t d = 0; d < both.value.size(); ++d) both.value[d] = a.value[d] * of_a + b.value[d] * of_b;
  return both;
}
// [merge]

}  // namespace rung

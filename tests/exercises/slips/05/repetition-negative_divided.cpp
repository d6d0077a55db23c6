#include <cstddef>
#include <unordered_set>

#include "chapters/05_sampling/repetition.h"

namespace rung {

void penalise_repetition(std::span<float> logits, std::span<const std::int32_t> seen, double penalty) {
  const std::unordered_set<std::int32_t> once(seen.begin(), seen.end());
  for (const std::int32_t token : once) {
    float& logit = logits[static_cast<std::size_t>(token)];
    logit = static_cast<float>(logit / penalty);
  }
}

}  // namespace rung

#include <cstddef>

#include "chapters/05_sampling/repetition.h"

namespace rung {

void penalise_repetition(std::span<float> logits, std::span<const std::int32_t> seen, double penalty) {
  for (const std::int32_t token : seen) {
    float& logit = logits[static_cast<std::size_t>(token)];
    logit = static_cast<float>(logit > 0 ? logit / penalty : logit * penalty);
  }
}

}  // namespace rung

#include "core/oracle/repetition_penalty.h"

#include <algorithm>

namespace rung::oracle {

std::vector<double> repetition_penalty(std::span<const double> logits, std::span<const std::int32_t> seen,
                                       double penalty) {
  std::vector<double> result;
  for (std::size_t token = 0; token < logits.size(); ++token) {
    const bool was_seen = std::ranges::find(seen, static_cast<std::int32_t>(token)) != seen.end();
    const double logit = logits[token];
    result.push_back(!was_seen ? logit : logit > 0 ? logit / penalty : logit * penalty);
  }
  return result;
}

}  // namespace rung::oracle

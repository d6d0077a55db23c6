#include "core/oracle/repetition_penalty.h"

#include <set>

namespace rung::oracle {

std::vector<double> repetition_penalty(std::span<const double> logits, std::span<const std::int32_t> seen,
                                       double penalty) {
  const std::set<std::int32_t> occurred(seen.begin(), seen.end());
  std::vector<double> result;
  for (std::size_t token = 0; token < logits.size(); ++token) {
    const bool was_seen = occurred.contains(static_cast<std::int32_t>(token));
    const double logit = logits[token];
    result.push_back(!was_seen ? logit : logit > 0 ? logit / penalty : logit * penalty);
  }
  return result;
}

}  // namespace rung::oracle

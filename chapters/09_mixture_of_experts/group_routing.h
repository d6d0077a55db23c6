#pragma once

#include <cstdint>

#include "chapters/09_mixture_of_experts/routing.h"
#include "core/tensor/matrix.h"

namespace rung {

/// How DeepSeek-V3's router goes about it; the names in its config.json behind.
struct GroupRule {
  std::int64_t groups = 1;  ///< n_group: so many groups of neighbouring experts, each on a machine of its own
  std::int64_t groups_used = 1;  ///< topk_group: a row goes to experts of so many of them at most
  bool renormalize = true;       ///< norm_topk_prob: the weights are divided by their sum
  float scale = 1;               ///< routed_scaling_factor: and multiplied by this
};

/// DeepSeek-V3's router. Each score becomes a sigmoid s, by itself: no expert's score lowers another's. The bias, which
/// training keeps adjusting so that all experts get work (update_bias() in expert_load.h), takes part in the choice
/// alone: groups are ranked by the sum of their two highest s + bias, and within the best groups the `used` experts of
/// the highest s + bias are chosen. Weights are s.
/// @param scores  [T, E]
/// @param bias    [E]
/// @param used    k
/// @return experts by falling s + bias, of equal ones the lower first. Where all k chosen s are 0 in fp32 (scores below
///         about -88, whose sigmoids are too small for it), there is no sum to divide by: their weights are 0, not NaN,
///         and the row gets nothing of these experts. (Published code adds 1e-20
///         to the sum. That gives 0 here, too, but also weights that are too small where the sum is below about 1e-14.)
/// Source: DeepSeek-AI, arXiv:2412.19437, section 2.1.2.
/// @throws Error (usage) unless groups divides E, 1 <= groups_used <= groups, 1 <= used and the groups used have as many
///         experts; (bad_input) where a score or a bias is no finite number
Routing sigmoid_in_groups(const ConstMatrixView& scores, const ConstVectorView& bias, std::int64_t used,
                          const GroupRule& rule);

}  // namespace rung

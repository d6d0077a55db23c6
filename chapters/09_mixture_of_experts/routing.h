#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "core/tensor/matrix.h"

namespace rung {

// [routing]
/// Which experts each row goes to, and with which weight.
struct Routing {
  std::int64_t rows = 0;             ///< T
  std::int64_t experts = 0;          ///< E, all that there are
  std::int64_t used = 0;             ///< k, those that each row goes to
  std::vector<std::int32_t> chosen;  ///< [rows, used], by falling score; of equal ones the lower first
  std::vector<float> weights;        ///< [rows, used], of the expert in the same place of `chosen`
};
// [routing]

/// Room for the routes of `rows` rows.
/// @throws Error (usage) unless 1 <= used <= experts
Routing empty_routing(std::int64_t rows, std::int64_t experts, std::int64_t used);

/// The k experts of the highest scores, highest first; of equal scores the lower expert first, on every machine.
/// @param scores  [E]
/// @param chosen  [k], 1 <= k <= E, overwritten
/// @throws Error (bad_input) naming the expert whose score is no finite number
void top_k(std::span<const float> scores, std::span<std::int32_t> chosen);

/// Mixtral's router, and Qwen-MoE's: a softmax over all E scores, of which the k highest are kept.
/// @param scores       [T, E], what the router's matrix gives for each row
/// @param used         k
/// @param renormalize  divide the k weights by their sum, so that they sum to 1 (Mixtral). Without it they sum to less
///                     than 1 (Qwen1.5-MoE, Qwen2-MoE, whose checkpoints call this norm_topk_prob = false).
/// Source: Shazeer et al., arXiv:1701.06538, section 2; Jiang et al., arXiv:2401.04088, section 2.1.
/// @throws Error (usage) unless 1 <= used <= E, (bad_input) where a score is no finite number
Routing softmax_then_top_k(const ConstMatrixView& scores, std::int64_t used, bool renormalize);

/// The k highest scores, and a softmax over these alone: the same numbers as softmax_then_top_k() with renormalisation,
/// for the sum over all experts cancels. This is how Mixtral's paper writes it.
/// @param scores  [T, E]
/// @param used    k
/// @throws Error as softmax_then_top_k() does
Routing top_k_then_softmax(const ConstMatrixView& scores, std::int64_t used);

}  // namespace rung

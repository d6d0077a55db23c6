#pragma once

#include <cstdint>
#include <optional>

namespace rung {

/// What a stage moves and computes, counted from the tensors it has loaded, not from the config. A multiply
/// and an add are two FLOPs; norms, softmax and rotations are left out (below 1 % at the sizes here).
struct StageCost {
  std::int64_t weight_bytes = 0;   ///< read once per forward(), whatever the batch (without logits, experts)
  std::int64_t output_bytes = 0;   ///< the output matrix, read when any row wants logits
  std::int64_t flops_per_row = 0;  ///< linear layers
  std::int64_t flops_per_logits_row = 0;        ///< output matrix
  std::int64_t flops_per_visible_position = 0;  ///< attention: per row and position it sees
  std::int64_t kv_bytes_per_position = 0;       ///< keys and values of one position, all layers
  std::optional<std::int64_t> window = {};      ///< a row sees this many positions at most, itself among them
  std::int64_t expert_bytes =
      0;                     ///< all experts of all layers; those that rows go to are read once per forward()
  std::int64_t experts = 0;  ///< E, in every layer; 0: no mixture
  std::int64_t experts_used = 0;  ///< k, for every row

  /// What one row reads of the weights, its logits included: k of E experts.
  std::int64_t bytes_of_one_row() const {
    return weight_bytes + output_bytes + (experts > 0 ? expert_bytes / experts * experts_used : 0);
  }
};

}  // namespace rung

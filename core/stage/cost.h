#pragma once

#include <cstdint>
#include <optional>

namespace rung {

/// What a stage moves and computes, counted from the tensors it has loaded, not from the config. A multiply
/// and an add are two FLOPs; norms, softmax and rotations are left out (below 1 % at the sizes here).
struct StageCost {
  std::int64_t weight_bytes = 0;          ///< read once per forward(), whatever the batch (without logits)
  std::int64_t output_bytes = 0;          ///< the output matrix, read when any row wants logits
  std::int64_t flops_per_row = 0;         ///< linear layers
  std::int64_t flops_per_logits_row = 0;  ///< output matrix
  std::int64_t flops_per_visible_position = 0;  ///< attention: per row and position it sees
  std::int64_t kv_bytes_per_position = 0;       ///< keys and values of one position, all layers
  std::optional<std::int64_t> window = {};      ///< a row sees this many positions at most, itself among them
};

}  // namespace rung

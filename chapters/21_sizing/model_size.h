#pragma once

#include <cstdint>

#include "core/checkpoint/config.h"
#include "core/tensor/dtype.h"

namespace rung {

/// A count of numbers, or of bytes, for each part of a model; all layers together.
struct ModelParts {
  std::int64_t embedding = 0;
  std::int64_t attention = 0;     ///< q, k, v and o
  std::int64_t router = 0;        ///< of a mixture of experts; 0 in a dense model
  std::int64_t feed_forward = 0;  ///< gate, up and down, of all experts
  std::int64_t norms = 0;
  std::int64_t output = 0;  ///< 0 where the embedding is used again

  /// All parts together.
  std::int64_t total() const { return embedding + attention + router + feed_forward + norms + output; }
  friend bool operator==(const ModelParts&, const ModelParts&) = default;
};

/// How many numbers a model has, by its dimensions alone.
ModelParts count_parameters(const ModelConfig& config);

/// Bytes of the same numbers: matrices as `type`, or what type_for_rows() makes of it; norms as F32, and the router too
/// where `type` is a block format, as in GGUF files.
ModelParts weight_bytes(const ModelConfig& config, DType type);

/// What one token has to do with: of E experts in each layer the k that its router picks, of everything else all.
/// @param all  count_parameters() or weight_bytes() of the same config
ModelParts active_parts(const ModelParts& all, const ModelConfig& config);

}  // namespace rung

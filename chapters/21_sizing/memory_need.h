#pragma once

#include <cstdint>

#include "chapters/21_sizing/model_size.h"
#include "core/checkpoint/config.h"
#include "core/stage/kv_type.h"

namespace rung {

/// What is asked of a model.
struct Workload {
  KvType kv = KvType::f16;
  std::int64_t context = 4096;  ///< positions of each sequence
  std::int64_t batch = 1;       ///< sequences at once
};

/// The longest piece of a prompt that is run at once.
inline constexpr std::int64_t prompt_piece = 512;

/// Bytes that must be there at the same time.
struct MemoryNeed {
  double weights = 0;
  double keys_and_values = 0;
  double activations = 0;
  /// All of them.
  double total() const { return weights + keys_and_values + activations; }
};

/// Bytes of fp32 activations that live at the same time when `rows` rows run through a layer, of which `wanted` want
/// logits: the residual stream and what its norm makes of it; beside them either q, k, v and attention's result, or gate
/// and up of each expert that a row is sent to; and the logits. Scores are not kept (chapter 15).
double activation_bytes(const ModelConfig& config, std::int64_t rows, std::int64_t wanted);

/// What a model needs for a workload, prompts run in pieces of prompt_piece.
MemoryNeed memory_need(const ModelConfig& config, const ModelParts& bytes, const Workload& work);

}  // namespace rung

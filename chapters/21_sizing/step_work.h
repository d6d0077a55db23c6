#pragma once

#include <cstdint>

#include "chapters/21_sizing/model_size.h"
#include "core/checkpoint/config.h"
#include "core/measure/roofline.h"
#include "core/stage/cost.h"
#include "core/stage/kv_type.h"

namespace rung {

/// What a model costs, from its dimensions, as Transformer::cost() counts it from the tensors of one that is loaded.
/// @param bytes  weight_bytes(), or what a file holds
/// @param kv     what keys and values are remembered as
StageCost model_cost(const ModelConfig& config, const ModelParts& bytes, KvType kv);

/// Bytes of weights that a pass with logits reads for `rows` rows, whatever sequences they belong to: all of a dense
/// model's, and of a mixture's experts those that measure::touched_experts() says.
double weights_read(const StageCost& cost, std::int64_t rows);

/// A prompt of `tokens` tokens, with logits of the last.
measure::Work prompt_work(const ModelConfig& config, const ModelParts& bytes, KvType kv, std::int64_t tokens);

/// One decode step for `batch` sequences at once, each after `past` positions of its own. All rows share the weights;
/// none shares another's keys and values.
measure::Work step_work(const ModelConfig& config, const ModelParts& bytes, KvType kv, std::int64_t batch,
                        std::int64_t past);

}  // namespace rung

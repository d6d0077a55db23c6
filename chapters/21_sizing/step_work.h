#pragma once

#include <cstdint>

#include "chapters/21_sizing/model_size.h"
#include "core/checkpoint/config.h"
#include "core/measure/roofline.h"
#include "core/stage/cost.h"
#include "core/stage/kv_type.h"

namespace rung {

/// How many of a layer's `experts` are picked by at least one of `rows` tokens when each token picks `used` of them, any
/// as likely as any other: E (1 − (1 − k/E)^rows). The mean of it, so no whole number.
double touched_experts(std::int64_t experts, std::int64_t used, std::int64_t rows);

/// What a model costs when `rows` rows run through it together, from its dimensions; as Transformer::cost() counts it from
/// the tensors of one that is loaded. Of a mixture only the experts that rows touch are read, and only those that a row
/// picks are computed for it.
/// @param bytes  weight_bytes(), or what a file holds
/// @param kv     what keys and values are remembered as
StageCost model_cost(const ModelConfig& config, const ModelParts& bytes, KvType kv, std::int64_t rows);

/// A prompt of `tokens` tokens, with logits of the last.
measure::Work prompt_work(const ModelConfig& config, const ModelParts& bytes, KvType kv, std::int64_t tokens);

/// One decode step for `batch` sequences at once, each after `past` positions of its own. All rows share the weights;
/// none shares another's keys and values.
measure::Work step_work(const ModelConfig& config, const ModelParts& bytes, KvType kv, std::int64_t batch,
                        std::int64_t past);

}  // namespace rung

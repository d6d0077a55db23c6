#include "chapters/21_sizing/step_work.h"

#include <cmath>

#include "chapters/07_grouped_query/grouped_cost.h"

namespace rung {

// [touched]
double touched_experts(std::int64_t experts, std::int64_t used, std::int64_t rows) {
  const double missed = 1 - static_cast<double>(used) / static_cast<double>(experts);  // by one row
  return static_cast<double>(experts) * (1 - std::pow(missed, static_cast<double>(rows)));
}
// [touched]

// [cost]
StageCost model_cost(const ModelConfig& config, const ModelParts& bytes, KvType kv, std::int64_t rows) {
  const ModelParts of_a_row = active_parts(count_parameters(config), config);
  double feed_forward = static_cast<double>(bytes.feed_forward);
  if (config.mixture) {
    const auto& [experts, used, renormalize] = *config.mixture;
    feed_forward *= touched_experts(experts, used, rows) / static_cast<double>(experts);
  }
  StageCost cost;
  cost.weight_bytes = bytes.attention + bytes.router + std::llround(feed_forward);
  cost.output_bytes = config.tied_embeddings ? bytes.embedding : bytes.output;
  cost.flops_per_row = 2 * (of_a_row.attention + of_a_row.router + of_a_row.feed_forward);
  cost.flops_per_logits_row = 2 * config.vocab * config.hidden;
  cost.flops_per_visible_position = 4 * config.layers * config.heads * config.head_dim;
  cost.kv_bytes_per_position = kv_position_bytes(config, kv);
  cost.window = config.sliding_window;
  return cost;
}
// [cost]

measure::Work prompt_work(const ModelConfig& config, const ModelParts& bytes, KvType kv,
                          std::int64_t tokens) {
  return measure::prefill_work(model_cost(config, bytes, kv, tokens), tokens);
}

// [step]
measure::Work step_work(const ModelConfig& config, const ModelParts& bytes, KvType kv, std::int64_t batch,
                        std::int64_t past) {
  const StageCost cost = model_cost(config, bytes, kv, batch);
  const auto shared = static_cast<double>(cost.weight_bytes + cost.output_bytes);
  const measure::Work alone = measure::forward_work(cost, 1, past, 1);
  const auto rows = static_cast<double>(batch);
  return {.bytes = shared + rows * (alone.bytes - shared), .flops = rows * alone.flops};
}
// [step]

}  // namespace rung

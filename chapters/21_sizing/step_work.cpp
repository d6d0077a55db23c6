#include "chapters/21_sizing/step_work.h"

#include "chapters/07_grouped_query/grouped_cost.h"
#include "core/measure/touched_experts.h"

namespace rung {

StageCost model_cost(const ModelConfig& config, const ModelParts& bytes, KvType kv) {
  const ModelParts of_a_row = active_parts(count_parameters(config), config);
  StageCost cost;
  cost.weight_bytes = bytes.attention + bytes.router;
  (config.mixture ? cost.expert_bytes : cost.weight_bytes) += bytes.feed_forward;
  if (config.mixture) {
    cost.experts = config.mixture->experts;
    cost.experts_used = config.mixture->experts_used;
  }
  cost.output_bytes = config.tied_embeddings ? bytes.embedding : bytes.output;
  cost.flops_per_row = 2 * (of_a_row.attention + of_a_row.router + of_a_row.feed_forward);
  cost.flops_per_logits_row = 2 * config.vocab * config.hidden;
  cost.flops_per_visible_position = 4 * config.layers * config.heads * config.head_dim;
  cost.kv_bytes_per_position = kv_position_bytes(config, kv);
  cost.window = config.sliding_window;
  return cost;
}

measure::Work prompt_work(const ModelConfig& config, const ModelParts& bytes, KvType kv,
                          std::int64_t tokens) {
  return measure::prefill_work(model_cost(config, bytes, kv), tokens);
}

double weights_read(const StageCost& cost, std::int64_t rows) {
  const auto always = static_cast<double>(cost.weight_bytes + cost.output_bytes);
  if (cost.experts == 0) return always;
  const double touched = measure::touched_experts(cost.experts, cost.experts_used, rows);
  return always + static_cast<double>(cost.expert_bytes) * touched / static_cast<double>(cost.experts);
}

measure::Work step_work(const ModelConfig& config, const ModelParts& bytes, KvType kv, std::int64_t batch,
                        std::int64_t past) {
  const StageCost cost = model_cost(config, bytes, kv);
  StageCost own = cost;  // what each sequence has for itself
  own.weight_bytes = own.output_bytes = own.expert_bytes = 0;
  const measure::Work alone = measure::forward_work(own, 1, past, 1);
  const auto rows = static_cast<double>(batch);
  return {.bytes = weights_read(cost, batch) + rows * alone.bytes, .flops = rows * alone.flops};
}

}  // namespace rung

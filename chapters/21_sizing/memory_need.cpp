#include "chapters/21_sizing/memory_need.h"

#include <algorithm>

#include "chapters/07_grouped_query/grouped_cost.h"

namespace rung {

double activation_bytes(const ModelConfig& config, std::int64_t rows, std::int64_t wanted) {
  const auto t = static_cast<double>(rows), hidden = static_cast<double>(config.hidden);
  const auto q = static_cast<double>(config.heads * config.head_dim);
  const auto kv = static_cast<double>(config.kv_heads * config.head_dim);
  const auto experts = static_cast<double>(config.mixture ? config.mixture->experts_used : 1);
  const double attention = 2 * q + 2 * kv;
  const double feed_forward = 2 * experts * static_cast<double>(config.feed_forward);
  const double logits = static_cast<double>(wanted) * static_cast<double>(config.vocab);
  return (t * (2 * hidden + std::max(attention, feed_forward)) + logits) * double{sizeof(float)};
}

// [need]
MemoryNeed memory_need(const ModelConfig& config, const ModelParts& bytes, const Workload& work) {
  const std::int64_t piece = std::min(work.context, prompt_piece);
  MemoryNeed need;
  need.weights = static_cast<double>(bytes.total());
  need.keys_and_values = static_cast<double>(work.batch) *
                         static_cast<double>(kv_lanes_bytes(config, work.kv, 1, work.context, piece));
  need.activations = activation_bytes(config, std::max(piece, work.batch), work.batch);
  return need;
}
// [need]

}  // namespace rung

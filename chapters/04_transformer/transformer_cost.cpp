// What a transformer costs to run and to hold, counted from its parts.

#include "chapters/04_transformer/transformer.h"

namespace rung {

StageCost Transformer::cost() const {
  StageCost cost;
  for (const Block& block : parts_.blocks) {
    for (const Linear* linear : {block.q.get(), block.k.get(), block.v.get(), block.o.get()}) {
      cost.weight_bytes += linear->weight_bytes();
      cost.flops_per_row += 2 * linear->in() * linear->out();
    }
    const ExpertCost mixture = block.feed_forward->expert_cost();
    cost.weight_bytes += block.feed_forward->held_bytes() - mixture.bytes;
    cost.expert_bytes += mixture.bytes;
    cost.experts = mixture.experts;
    cost.experts_used = mixture.used;
    cost.flops_per_row += block.feed_forward->flops_per_row();
    // q · k and the weighted sum of v: a multiply and an add for each of the H · D numbers, twice.
    cost.flops_per_visible_position += 4 * block.q->out();
  }
  cost.output_bytes = parts_.output->weight_bytes();
  cost.window = config_.sliding_window;
  cost.flops_per_logits_row = 2 * parts_.output->in() * parts_.output->out();
  return cost;
}

std::int64_t Transformer::weight_bytes() const {
  std::int64_t bytes = parts_.output->weight_bytes();
  if (!parts_.tied) bytes += parts_.embedding->weight_bytes();
  const auto vector_bytes = [](const Vector& vector) { return vector.size() * std::int64_t{sizeof(float)}; };
  bytes += vector_bytes(parts_.norm);
  for (const Block& block : parts_.blocks) {
    for (const Linear* linear : {block.q.get(), block.k.get(), block.v.get(), block.o.get()}) {
      bytes += linear->weight_bytes();
    }
    bytes += block.feed_forward->held_bytes() + vector_bytes(block.attention_norm) +
             vector_bytes(block.feed_forward_norm);
  }
  return bytes;
}

}  // namespace rung

#include "chapters/07_grouped_query/grouped_stage.h"

#include <utility>

#include "chapters/04_transformer/transformer.h"
#include "chapters/07_grouped_query/grouped_attention.h"
#include "chapters/07_grouped_query/ring.h"
#include "chapters/07_grouped_query/ring_sequences.h"

namespace rung {

namespace {

class GroupedStage : public Stage {
 public:
  // [room]
  GroupedStage(ModelConfig config, Parts parts, const StageOptions& options)
      : transformer_(std::move(config), std::move(parts)),
        store_(make_slot_store(options.kv_type, shape(options))),
        sequences_(options, transformer_.config().sliding_window, *store_) {}
  // [room]

  const ModelConfig& config() const override { return transformer_.config(); }
  Sequences& sequences() override { return sequences_; }

  Matrix forward(const Batch& batch, Trace* trace) override {
    return run_reserved(batch, sequences_,
                        [&](const Plan& plan) { return transformer_.forward(batch, plan, *store_, trace); });
  }

  StageCost cost() const override {
    StageCost cost = transformer_.cost();
    cost.kv_bytes_per_position = store_->bytes_per_position();
    return cost;
  }
  std::int64_t weight_bytes() const override { return transformer_.weight_bytes(); }
  std::int64_t kv_bytes() const override { return store_->bytes(); }

 private:
  SlotStoreShape shape(const StageOptions& options) const {
    const ModelConfig& config = transformer_.config();
    return {.layers = static_cast<std::int64_t>(transformer_.parts().blocks.size()),
            .slots = options.max_sequences *
                     lane_slots(config.sliding_window, options.max_positions, options.max_batch),
            .heads = transformer_.parts().attention->stored_width() / config.head_dim,
            .head_dim = config.head_dim};
  }

  Transformer transformer_;
  std::unique_ptr<SlotStore> store_;
  RingSequences sequences_;
};

}  // namespace

// [make]
std::unique_ptr<Stage> grouped_stage_of(const ModelConfig& config, Parts parts, const StageOptions& options) {
  const StageOptions room = with_defaults(options, config, all_kv_types);
  // All that chapter 07 replaces in the transformer.
  parts.attention =
      std::make_unique<GroupedAttention>(config.kv_heads, config.head_dim, config.sliding_window);
  return std::make_unique<GroupedStage>(config, std::move(parts), room);
}
// [make]

std::unique_ptr<Stage> make_grouped(const Checkpoint& checkpoint, const StageOptions& options) {
  // Before the weights are read, so that a wrong size is refused at once.
  const StageOptions room = with_defaults(options, checkpoint.config(), all_kv_types);
  return grouped_stage_of(checkpoint.config(), plain_parts(checkpoint), room);
}

}  // namespace rung

#include <utility>

#include "chapters/04_transformer/transformer.h"
#include "chapters/06_kv_cache/flat_kv_store.h"
#include "chapters/06_kv_cache/flat_sequences.h"
#include "chapters/06_kv_cache/kv_cache_stage.h"

namespace rung {

namespace {

class KvCacheStage : public Stage {
 public:
  KvCacheStage(ModelConfig config, Parts parts, const StageOptions& options)
      : transformer_(std::move(config), std::move(parts)),
        store_(transformer_.config().layers, std::int64_t{options.max_sequences} * options.max_positions,
               transformer_.parts().attention->stored_width()),
        sequences_(options, store_) {}

  const ModelConfig& config() const override { return transformer_.config(); }
  Sequences& sequences() override { return sequences_; }

  Matrix forward(const Batch& batch, Trace* trace) override {
    return run_reserved(batch, sequences_, [&](const Plan& plan) {
      Batch rows = batch;  // only the new rows run, so they are counted from 0
      for (const SequencePlan& sequence : plan.sequences) {
        for (std::int32_t i = 0; i < sequence.rows; ++i) {
          rows.rows[static_cast<std::size_t>(sequence.first_row + i)].position = i;
        }
      }
      return transformer_.forward(rows, plan, store_, trace);
    });
  }

  StageCost cost() const override {
    StageCost cost = transformer_.cost();
    cost.kv_bytes_per_position = store_.bytes_per_position();
    return cost;
  }
  std::int64_t weight_bytes() const override { return transformer_.weight_bytes(); }
  std::int64_t kv_bytes() const override { return store_.bytes(); }

 private:
  Transformer transformer_;
  FlatKvStore store_;
  FlatSequences sequences_;
};

}  // namespace

std::unique_ptr<Stage> make_kv_cache(const Checkpoint& checkpoint, const StageOptions& options) {
  return std::make_unique<KvCacheStage>(checkpoint.config(), plain_parts(checkpoint),
                                        with_defaults(options, checkpoint.config()));
}

}  // namespace rung

#include "chapters/04_transformer/recompute.h"

#include <utility>

#include "chapters/04_transformer/transformer.h"
#include "core/stage/token_sequences.h"

namespace rung {

namespace {

// Keys and values of the layer that is running, one slot per row of the batch. Nothing outlives the layer.
class ThrowAwayKv : public KvStore {
 public:
  ThrowAwayKv(std::int64_t slots, std::int64_t width) : keys_(slots, width), values_(slots, width) {}

  void write(int /*layer*/, const SequencePlan& sequence, const ConstMatrixView& keys,
             const ConstMatrixView& values) override {
    keys_.middleRows(sequence.slot(sequence.past), sequence.rows) = keys;
    values_.middleRows(sequence.slot(sequence.past), sequence.rows) = values;
  }
  ConstMatrixView keys(int /*layer*/, const SequencePlan& sequence, Matrix& /*scratch*/) const override {
    return keys_.middleRows(sequence.slot(0), sequence.length());
  }
  ConstMatrixView values(int /*layer*/, const SequencePlan& sequence, Matrix& /*scratch*/) const override {
    return values_.middleRows(sequence.slot(0), sequence.length());
  }
  std::int64_t bytes() const override {
    return (keys_.size() + values_.size()) * std::int64_t{sizeof(float)};
  }
  std::int64_t bytes_per_position() const override { return 2 * keys_.cols() * std::int64_t{sizeof(float)}; }

 private:
  Matrix keys_, values_;  // [rows of the batch, width]
};

class Recompute : public Stage {
 public:
  Recompute(ModelConfig config, Parts parts, const StageOptions& options)
      : transformer_(std::move(config), std::move(parts)), sequences_(options) {}

  const ModelConfig& config() const override { return transformer_.config(); }
  Sequences& sequences() override { return sequences_; }

  // [forward]
  Matrix forward(const Batch& batch, Trace* trace) override {
    return run_reserved(batch, sequences_, [&](const Plan& plan) { return run_whole(batch, plan, trace); });
  }
  // [forward]

  StageCost cost() const override { return transformer_.cost(); }
  std::int64_t weight_bytes() const override { return transformer_.weight_bytes(); }
  std::int64_t kv_bytes() const override { return 0; }

 private:
  // [run_whole]
  // Runs the same batch with every sequence's whole history before its new rows.
  Matrix run_whole(const Batch& batch, const Plan& plan, Trace* trace) const {
    Batch whole;
    for (const SequencePlan& sequence : plan.sequences) {
      const auto past = sequences_.tokens(sequence.sequence).first(static_cast<std::size_t>(sequence.past));
      whole.add(sequence.sequence, 0, past, Batch::Logits::none);
      const auto first = batch.rows.begin() + sequence.first_row;
      whole.rows.insert(whole.rows.end(), first, first + sequence.rows);
    }
    Plan whole_plan = plan_rows(whole);
    for (SequencePlan& sequence : whole_plan.sequences) sequence.first_slot = sequence.first_row;
    ThrowAwayKv store(static_cast<std::int64_t>(whole.rows.size()),
                      transformer_.parts().attention->stored_width());
    return transformer_.forward(whole, whole_plan, store, trace);
  }
  // [run_whole]

  Transformer transformer_;
  TokenSequences sequences_;
};

}  // namespace

std::unique_ptr<Stage> make_recompute(const Checkpoint& checkpoint, const StageOptions& options) {
  return std::make_unique<Recompute>(checkpoint.config(), plain_parts(checkpoint),
                                     with_defaults(options, checkpoint.config()));
}

}  // namespace rung

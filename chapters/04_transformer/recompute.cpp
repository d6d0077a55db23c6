#include "chapters/04_transformer/recompute.h"

#include <map>
#include <span>
#include <utility>
#include <vector>

#include "chapters/04_transformer/transformer.h"
#include "core/error.h"

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

// Remembers the tokens of each sequence.
class Histories : public Sequences {
 public:
  explicit Histories(const StageOptions& options) : options_(options) {}

  std::optional<Plan> reserve(const Batch& batch) override {
    Plan plan = plan_rows(batch);
    std::size_t unknown = 0;
    for (const SequencePlan& sequence : plan.sequences) {
      check_continues(sequence, length(sequence.sequence));
      if (sequence.length() > options_.max_positions) return std::nullopt;
      unknown += tokens_.contains(sequence.sequence) ? 0 : 1;
    }
    if (tokens_.size() + unknown > static_cast<std::size_t>(options_.max_sequences)) return std::nullopt;
    return plan;
  }
  void commit(const Plan& /*plan*/) override {}
  void abort(const Plan& /*plan*/) override {}

  std::int32_t length(SequenceId sequence) const override {
    const auto found = tokens_.find(sequence);
    return found == tokens_.end() ? 0 : static_cast<std::int32_t>(found->second.size());
  }
  void fork(SequenceId from, SequenceId to) override {
    check_known(from, tokens_.contains(from));
    if (!tokens_.contains(to) && tokens_.size() >= static_cast<std::size_t>(options_.max_sequences)) {
      throw Error(ErrorKind::full, "fork of sequence {}: all {} sequences are taken", from,
                  options_.max_sequences);
    }
    tokens_[to] = tokens_.at(from);
  }
  void truncate(SequenceId sequence, std::int32_t new_length) override {
    check_truncation(sequence, length(sequence), new_length);
    if (tokens_.contains(sequence)) tokens_[sequence].resize(static_cast<std::size_t>(new_length));
  }
  void drop(SequenceId sequence) override { tokens_.erase(sequence); }

  std::span<const std::int32_t> tokens(SequenceId sequence) const {
    const auto found = tokens_.find(sequence);
    return found == tokens_.end() ? std::span<const std::int32_t>() : found->second;
  }
  void append(const Row& row) { tokens_[row.sequence].push_back(row.token); }

 private:
  StageOptions options_;
  std::map<SequenceId, std::vector<std::int32_t>> tokens_;
};

class Recompute : public Stage {
 public:
  Recompute(ModelConfig config, Parts parts, const StageOptions& options)
      : transformer_(std::move(config), std::move(parts)), histories_(options) {}

  const ModelConfig& config() const override { return transformer_.config(); }
  Sequences& sequences() override { return histories_; }

  Matrix forward(const Batch& batch, Trace* trace) override {
    const auto plan = histories_.reserve(batch);
    if (!plan) throw no_room(batch, histories_);
    // The same batch with every sequence's whole history before its new rows.
    Batch whole;
    for (const SequencePlan& sequence : plan->sequences) {
      whole.add(sequence.sequence, 0, histories_.tokens(sequence.sequence), Batch::Logits::none);
      for (std::int32_t i = 0; i < sequence.rows; ++i)
        whole.rows.push_back(batch.rows[sequence.first_row + i]);
    }
    Plan whole_plan = plan_rows(whole);
    for (SequencePlan& sequence : whole_plan.sequences) sequence.first_slot = sequence.first_row;
    ThrowAwayKv store(static_cast<std::int64_t>(whole.rows.size()),
                      transformer_.parts().attention->stored_width());
    Matrix logits = transformer_.forward(whole, whole_plan, store, trace);
    for (const Row& row : batch.rows) histories_.append(row);
    return logits;
  }

  StageCost cost() const override { return transformer_.cost(); }
  std::int64_t weight_bytes() const override { return transformer_.weight_bytes(); }
  std::int64_t kv_bytes() const override { return 0; }

 private:
  Transformer transformer_;
  Histories histories_;
};

}  // namespace

std::unique_ptr<Stage> make_recompute(const Checkpoint& checkpoint, const StageOptions& options) {
  return std::make_unique<Recompute>(checkpoint.config(), plain_parts(checkpoint),
                                     with_defaults(options, checkpoint.config()));
}

}  // namespace rung

#include "chapters/07_grouped_query/functions.h"

#include <memory>
#include <optional>
#include <string>

#include "chapters/07_grouped_query/grouped_cost.h"
#include "chapters/07_grouped_query/ring.h"
#include "chapters/07_grouped_query/ring_sequences.h"
#include "core/check/functions/grouped.h"

namespace rung {
namespace {

using Numbers = std::vector<double>;

KvType stored_as(check::GroupedCostInput::Type type) {
  switch (type) {
    case check::GroupedCostInput::Type::f16:
      return KvType::f16;
    case check::GroupedCostInput::Type::int8:
      return KvType::i8;
    case check::GroupedCostInput::Type::f32:
      break;
  }
  return KvType::f32;
}

std::int64_t run_grouped_cost(const check::GroupedCostInput& input) {
  ModelConfig config;
  config.layers = input.layers;
  config.heads = input.heads;
  config.kv_heads = input.kv_heads;
  config.head_dim = input.head_dim;
  if (input.window > 0) config.sliding_window = input.window;
  if (input.sequences == 0) return kv_position_bytes(config, stored_as(input.type));
  return kv_lanes_bytes(config, stored_as(input.type), input.sequences, input.positions, input.batch);
}

Matrix as_rows(const Numbers& numbers, std::int64_t width) {
  Matrix rows(static_cast<std::int64_t>(numbers.size()) / width, width);
  for (std::size_t i = 0; i < numbers.size(); ++i) rows.data()[i] = static_cast<float>(numbers[i]);
  return rows;
}

Numbers run_short_kv(const check::ShortKvInput& input) {
  const Matrix keys = as_rows(input.keys, input.heads * input.head_dim);
  const Matrix values = as_rows(input.values, input.heads * input.head_dim);
  const auto store = make_slot_store(
      stored_as(input.type),
      {.layers = 2, .slots = keys.rows() + 3, .heads = input.heads, .head_dim = input.head_dim});
  SequencePlan plan;
  plan.rows = static_cast<std::int32_t>(keys.rows());
  plan.first_slot = 2;
  store->write(1, plan, keys, values);
  Numbers found;
  Matrix scratch;
  for (const Matrix& rows :
       {Matrix(store->keys(1, plan, scratch)), Matrix(store->values(1, plan, scratch))}) {
    for (Eigen::Index i = 0; i < rows.size(); ++i) found.push_back(static_cast<double>(rows.data()[i]));
  }
  return found;
}

/// Sequences whose keys are the numbers.
class RingMachine : public check::SequencesMachine {
 public:
  explicit RingMachine(const check::RingInput& input)
      : window_(input.window > 0 ? std::optional<std::int64_t>(input.window) : std::nullopt),
        options_({.max_positions = input.script.positions,
                  .max_sequences = input.script.sequences,
                  .max_batch = input.max_batch}),
        store_(make_slot_store(KvType::f32, {.layers = 1, .slots = slots(), .heads = 1, .head_dim = 1})),
        sequences_(options_, window_, *store_) {
    const Matrix zeros = Matrix::Zero(slots(), 1);
    store_->write(0, {.rows = static_cast<std::int32_t>(zeros.rows())}, zeros, zeros);
  }

  bool reserve(const std::vector<check::SequencesStep::Part>& batch) override {
    Batch rows;
    for (const auto& part : batch) {
      rows.add(part.sequence, part.first, std::vector<std::int32_t>(static_cast<std::size_t>(part.rows)),
               Batch::Logits::none);
    }
    plan_ = sequences_.reserve(rows);
    return plan_.has_value();
  }
  void write(std::size_t part, const Numbers& numbers) override {
    const SequencePlan& plan = plan_->sequences[part];
    const Matrix rows = as_rows(numbers, 1);
    for (const PositionRun& run : slot_runs(plan, plan.past, plan.length())) {
      const auto some = rows.middleRows(run.first - plan.past, run.count);
      store_->write(0, run_to_write(plan, run), some, some);
    }
  }
  Numbers remembered(std::size_t part) const override {
    const SequencePlan& plan = plan_->sequences[part];
    Numbers numbers;
    Matrix scratch;
    for (const PositionRun& run : slot_runs(plan, plan.first_visible, plan.length())) {
      const Matrix keys = store_->keys(0, run_to_read(plan, run), scratch);
      numbers.insert(numbers.end(), keys.data(), keys.data() + keys.size());
    }
    return numbers;
  }
  void commit() override { sequences_.commit(*plan_); }
  void abort() override { sequences_.abort(*plan_); }
  int length(int sequence) const override { return sequences_.length(sequence); }
  void fork(int from, int to) override { sequences_.fork(from, to); }
  void truncate(int sequence, int length) override { sequences_.truncate(sequence, length); }
  void drop(int sequence) override { sequences_.drop(sequence); }

 private:
  /// Twice the text more than there are: what runs out of its lane is still in memory.
  std::int64_t slots() const { return std::int64_t{options_.max_sequences + 2} * options_.max_positions; }

  std::optional<std::int64_t> window_;
  StageOptions options_;
  std::unique_ptr<SlotStore> store_;
  RingSequences sequences_;
  std::optional<Plan> plan_;
};

std::vector<std::string> run_ring_sequences(const check::RingInput& input) {
  RingMachine machine(input);
  return check::run_ring_script(input, machine);
}

}  // namespace

std::vector<check::JudgedFunction> grouped_functions() {
  return {
      check::judged<check::GroupedCostInput, std::int64_t>(
          check::grouped_cost_check(), "chapters/07_grouped_query/grouped_cost", run_grouped_cost),
      check::judged<check::ShortKvInput, Numbers>(
          check::short_kv_check(), "chapters/07_grouped_query/half_kv_store and int8_kv_store", run_short_kv),
      check::judged<check::RingInput, std::vector<std::string>>(
          check::ring_sequences_check(), "chapters/07_grouped_query/ring_sequences", run_ring_sequences),
  };
}

}  // namespace rung

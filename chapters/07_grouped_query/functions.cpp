#include "chapters/07_grouped_query/functions.h"

#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "chapters/07_grouped_query/grouped_attention.h"
#include "chapters/07_grouped_query/grouped_cost.h"
#include "chapters/07_grouped_query/ring.h"
#include "chapters/07_grouped_query/ring_sequences.h"
#include "core/check/functions/grouped.h"
#include "core/error.h"

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
  config.hidden = input.heads * input.head_dim + 6;  // not every model has heads that share it evenly
  if (input.window > 0) config.sliding_window = input.window;
  if (input.sequences == 0) return kv_position_bytes(config, stored_as(input.type));
  return kv_lanes_bytes(config, stored_as(input.type), input.sequences, input.positions, input.batch);
}

Matrix as_rows(const Numbers& numbers, std::int64_t width) {
  Matrix rows(static_cast<std::int64_t>(numbers.size()) / width, width);
  for (std::size_t i = 0; i < numbers.size(); ++i) rows.data()[i] = static_cast<float>(numbers[i]);
  return rows;
}

/// The same rows with others to their left and right, as where several matrices are parts of one.
class AmongOthers {
 public:
  explicit AmongOthers(const Matrix& rows, Eigen::Index right = 1)
      : all_(Matrix::Constant(rows.rows(), rows.cols() + 2 + right, std::numeric_limits<float>::quiet_NaN())),
        width_(rows.cols()) {
    all_.middleCols(2, width_) = rows;
  }
  MatrixView rows(Eigen::Index first, Eigen::Index count) { return all_.block(first, 2, count, width_); }
  MatrixView rows() { return rows(0, all_.rows()); }
  /// Whether the others are as they were.
  bool others_untouched() const {
    return all_.leftCols(2).array().isNaN().all() &&
           all_.rightCols(all_.cols() - 2 - width_).array().isNaN().all();
  }

 private:
  Matrix all_;
  Eigen::Index width_;
};

Numbers run_short_kv(const check::ShortKvInput& input) {
  AmongOthers keys(as_rows(input.keys, input.heads * input.head_dim));
  AmongOthers values(as_rows(input.values, input.heads * input.head_dim));
  const Eigen::Index count = keys.rows().rows();
  const Eigen::Index slots = check::short_kv_slots(input);
  const auto store = make_slot_store(
      stored_as(input.type), {.layers = 2, .slots = slots, .heads = input.heads, .head_dim = input.head_dim});
  const Matrix before =
      Matrix::Constant(slots, input.heads * input.head_dim, static_cast<float>(check::short_kv_before));
  for (const int layer : {0, 1})
    store->write(layer, {.rows = static_cast<std::int32_t>(slots)}, before, before);
  SequencePlan plan{.first_slot = check::short_kv_lane, .ring = static_cast<std::int32_t>(input.ring)};
  const auto first = static_cast<std::int32_t>(input.first);
  for (const auto& [from, to] : {std::pair{Eigen::Index{0}, static_cast<Eigen::Index>(input.past)},
                                 std::pair{static_cast<Eigen::Index>(input.past), count}}) {
    plan.past = first + static_cast<std::int32_t>(from);
    plan.rows = static_cast<std::int32_t>(to - from);
    if (plan.rows == 0) continue;
    plan.first_row = 1;  // of a batch; no concern of a store's
    store->write(1, plan, keys.rows(from, plan.rows), values.rows(from, plan.rows));
  }
  plan.first_visible = static_cast<std::int32_t>(input.first_visible);
  Numbers found;
  Matrix scratch =
      Matrix::Constant(count + 5, 7, std::numeric_limits<float>::quiet_NaN());  // of somebody else
  for (const Matrix& rows :
       {Matrix(store->keys(1, plan, scratch)), Matrix(store->values(1, plan, scratch))}) {
    for (Eigen::Index i = 0; i < rows.size(); ++i) found.push_back(static_cast<double>(rows.data()[i]));
  }
  return found;
}

Numbers run_kv_pieces(const check::KvPiecesInput& input) {
  const std::int64_t width = input.kv_heads * input.head_dim;
  AmongOthers keys(as_rows(check::piece_keys(input), width), input.heads * input.head_dim);
  AmongOthers values(as_rows(check::piece_values(input), width), input.heads * input.head_dim);
  AmongOthers q(Matrix::Zero(input.queries, input.heads * input.head_dim));
  AmongOthers out(Matrix::Constant(input.queries, input.heads * input.head_dim,
                                   static_cast<float>(check::KvPiecesInput::before)));
  std::vector<KvPiece> pieces;
  pieces.reserve(input.rows.size());
  Eigen::Index row = 0;
  for (const std::int64_t count : input.rows) {
    pieces.push_back(
        {.first = input.first_key + row, .keys = keys.rows(row, count), .values = values.rows(row, count)});
    row += count;
  }
  grouped_attention(q.rows(), pieces,
                    {.head_dim = input.head_dim,
                     .kv_heads = input.kv_heads,
                     .first_query = input.first_query,
                     .window = input.window},
                    out.rows());
  if (!out.others_untouched())
    throw Error(ErrorKind::bad_input, "it wrote beside out, into columns that are not its");
  const Matrix found = out.rows();
  return {found.data(), found.data() + found.size()};
}

std::vector<std::int64_t> run_ring(const check::RingRuleInput& input) {
  using Rule = check::RingRuleInput::Rule;
  const auto window = input.window > 0 ? std::optional<std::int64_t>(input.window) : std::nullopt;
  switch (input.rule) {
    case Rule::lane:
      return {lane_slots(window, input.positions, input.batch)};
    case Rule::seen:
      return {oldest_seen(window, input.first)};
    case Rule::kept:
      return {oldest_kept(input.slots, input.last)};
    case Rule::cut:
      return {shortest_cut(window, input.first)};
    case Rule::runs:
      break;
  }
  SequencePlan plan;
  plan.ring = input.slots;
  plan.first_slot = input.first_slot;
  std::vector<std::int64_t> found;
  for (const PositionRun& run : slot_runs(plan, input.first, input.last))
    found.insert(found.end(), {run.first, run.count});
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
      check::judged<check::RingRuleInput, std::vector<std::int64_t>>(
          check::ring_check(), "chapters/07_grouped_query/ring", run_ring),
      check::judged<check::KvPiecesInput, Numbers>(
          check::kv_pieces_check(), "chapters/07_grouped_query/grouped_attention", run_kv_pieces),
      check::judged<check::RingInput, std::vector<std::string>>(
          check::ring_sequences_check(), "chapters/07_grouped_query/ring_sequences", run_ring_sequences),
  };
}

}  // namespace rung

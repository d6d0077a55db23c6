#include "chapters/06_kv_cache/functions.h"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "chapters/06_kv_cache/cache_cost.h"
#include "chapters/06_kv_cache/flat_kv_store.h"
#include "chapters/06_kv_cache/flat_sequences.h"
#include "core/check/functions/kv_cache.h"

namespace rung {
namespace {

using Numbers = std::vector<double>;

std::int64_t run_cache_cost(const check::CacheCostInput& input) {
  using Rule = check::CacheCostInput::Rule;
  const CacheShape shape{.layers = input.layers,
                         .heads = input.heads,
                         .head_dim = input.head_dim,
                         .number_bytes = input.number_bytes};
  switch (input.rule) {
    case Rule::position:
      return position_bytes(shape);
    case Rule::cache:
      return cache_bytes(shape, input.sequences, input.count);
    case Rule::step:
      return step_bytes(shape, input.count);
    case Rule::positions:
      return positions_in(shape, input.count);
  }
  return 0;
}

/// [rows, width] of the numbers.
Matrix rows_of(const Numbers& numbers, std::int64_t width) {
  Matrix rows(static_cast<std::int64_t>(numbers.size()) / width, width);
  for (std::size_t i = 0; i < numbers.size(); ++i) rows.data()[i] = static_cast<float>(numbers[i]);
  return rows;
}

Numbers run_kv_store(const check::KvStoreInput& input) {
  using Kind = check::KvStoreStep::Kind;
  FlatKvStore store(input.layers, input.slots, input.width);
  const Matrix zeros = Matrix::Zero(input.slots - 1, input.width);
  for (int layer = 0; layer < input.layers; ++layer) {
    store.write(layer, {.rows = static_cast<std::int32_t>(zeros.rows())}, zeros, zeros);
  }
  Numbers found;
  Matrix scratch;
  for (std::size_t n = 0; n < input.steps.size(); ++n) {
    const check::KvStoreStep& step = input.steps[n];
    const SequencePlan plan{.first_row = step.first_row,
                            .rows = step.rows,
                            .past = step.past,
                            .first_visible = step.first_visible,
                            .first_slot = step.first_slot};
    if (step.kind == Kind::copy) {
      store.copy(step.first_slot, step.to_slot, step.rows);
    } else if (step.kind == Kind::write) {
      const Matrix keys = rows_of(check::kv_store_numbers(input, n), input.width);
      store.write(step.layer, plan, keys, -keys);
    } else {
      const Matrix keys = store.keys(step.layer, plan, scratch);
      const Matrix values = store.values(step.layer, plan, scratch);
      for (const Matrix* rows : {&keys, &values}) {
        for (Eigen::Index i = 0; i < rows->size(); ++i) found.push_back(static_cast<double>(rows->data()[i]));
      }
    }
  }
  return found;
}

/// Sequences whose keys are the numbers, [slots, 1].
class FlatMachine : public check::SequencesMachine {
 public:
  explicit FlatMachine(const check::SequencesInput& input)
      : store_(1, slots(input), 1),
        sequences_({.max_positions = input.positions, .max_sequences = input.sequences}, store_) {
    const Matrix zeros = Matrix::Zero(slots(input), 1);
    store_.write(0, {.rows = static_cast<std::int32_t>(zeros.rows())}, zeros, zeros);
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
  Numbers remembered(std::size_t part) const override {
    SequencePlan past = plan_->sequences[part];
    past.rows = 0;
    Matrix scratch;
    const Matrix keys = store_.keys(0, past, scratch);
    return {keys.data(), keys.data() + keys.size()};
  }
  void write(std::size_t part, const Numbers& numbers) override {
    const Matrix rows = rows_of(numbers, 1);
    store_.write(0, plan_->sequences[part], rows, rows);
  }
  void commit() override { sequences_.commit(*plan_); }
  void abort() override { sequences_.abort(*plan_); }
  int length(int sequence) const override { return sequences_.length(sequence); }
  void fork(int from, int to) override { sequences_.fork(from, to); }
  void truncate(int sequence, int length) override { sequences_.truncate(sequence, length); }
  void drop(int sequence) override { sequences_.drop(sequence); }

 private:
  /// One lane more than there are sequences: where a lane is left, there is memory.
  static std::int64_t slots(const check::SequencesInput& input) {
    return std::int64_t{input.sequences + 1} * input.positions;
  }

  FlatKvStore store_;
  FlatSequences sequences_;
  std::optional<Plan> plan_;
};

std::vector<std::string> run_kv_sequences(const check::SequencesInput& input) {
  FlatMachine machine(input);
  return check::run_script(input, machine);
}

}  // namespace

std::vector<check::JudgedFunction> kv_cache_functions() {
  return {
      check::judged<check::CacheCostInput, std::int64_t>(check::cache_cost_check(),
                                                         "chapters/06_kv_cache/cache_cost", run_cache_cost),
      check::judged<check::KvStoreInput, Numbers>(check::kv_store_check(),
                                                  "chapters/06_kv_cache/flat_kv_store", run_kv_store),
      check::judged<check::SequencesInput, std::vector<std::string>>(
          check::kv_sequences_check(), "chapters/06_kv_cache/flat_sequences", run_kv_sequences),
  };
}

}  // namespace rung

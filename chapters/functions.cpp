#include "core/check/functions/functions.h"

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "chapters/01_tokens/bpe.h"
#include "chapters/01_tokens/byte_alphabet.h"
#include "chapters/01_tokens/chat_template.h"
#include "chapters/01_tokens/tokenizer.h"
#include "chapters/01_tokens/utf8_stream.h"
#include "chapters/02_tensors/work.h"
#include "chapters/05_sampling/distribution.h"
#include "chapters/05_sampling/draw.h"
#include "chapters/05_sampling/random.h"
#include "chapters/05_sampling/repetition.h"
#include "chapters/05_sampling/truncation.h"
#include "chapters/06_kv_cache/cache_cost.h"
#include "chapters/06_kv_cache/flat_kv_store.h"
#include "chapters/06_kv_cache/flat_sequences.h"
#include "chapters/candidates.h"
#include "core/measure/roofline.h"
#include "core/tensor/half.h"

namespace rung {
namespace {

using Ids = std::vector<std::int32_t>;
using Numbers = std::vector<double>;

std::optional<std::string> run_byte_alphabet(const check::ByteAlphabetInput& input) {
  const ByteAlphabet alphabet;
  if (input.way == check::ByteAlphabetInput::Way::bytes) return alphabet.bytes(input.text);
  std::string spelled;
  for (const char c : input.text) spelled += alphabet.spell(static_cast<std::uint8_t>(c));
  return spelled;
}

std::vector<std::string> run_utf8_stream(const check::Utf8StreamInput& input) {
  Utf8Stream stream;
  std::vector<std::string> results;
  results.reserve(input.calls.size());
  for (const auto& call : input.calls) results.push_back(call ? stream.push(*call) : stream.finish());
  return results;
}

Ids run_bpe(const check::BpeInput& input) {
  MergeTable table;
  for (const auto& [left, right, rank, merged] : input.merges) table.add(left, right, rank, merged);
  return table.merge(input.word);
}

// Ids 0 to 255 are the bytes, 256 and 257 the markers.
TokenizerData bytes_and_markers() {
  TokenizerData data;
  const ByteAlphabet alphabet;
  for (int byte = 0; byte < 256; ++byte)
    data.pieces.push_back(alphabet.spell(static_cast<std::uint8_t>(byte)));
  data.types.assign(data.pieces.size(), PieceType::normal);
  for (const char* marker : {"<|im_start|>", "<|im_end|>"}) {
    data.pieces.emplace_back(marker);
    data.types.push_back(PieceType::control);
  }
  return data;
}

Ids run_chatml(const check::ChatmlInput& input) {
  const Tokenizer tokenizer(bytes_and_markers());
  Conversation conversation(tokenizer, {.style = ChatStyle::chatml}, input.system);
  Ids ids;
  for (const std::string& text : input.user_turns) {
    const Ids turn = conversation.user_turn(text);
    ids.insert(ids.end(), turn.begin(), turn.end());
  }
  return ids;
}

Numbers run_half_to_float(const check::HalfInput& patterns) {
  Numbers values;
  for (const std::uint16_t bits : patterns) values.push_back(double{half_to_float(bits)});
  return values;
}

check::RoundedNumbers run_half_rounding(const check::RoundingInput& input) {
  check::RoundedNumbers rounded{.rule = input.rule, .bits = {}};
  for (const float number : input.numbers) {
    rounded.bits.push_back(input.rule == check::SixteenBitRule::bfloat16 ? float_to_bfloat16(number)
                                                                         : float_to_half(number));
  }
  return rounded;
}

Numbers run_linear_work(const check::LinearWorkInput& input) {
  const measure::Work work = linear_work(input.rows, input.out, input.in, input.weight);
  return {work.flops, work.bytes};
}

Numbers run_forward_work(const check::ForwardWorkInput& input) {
  const measure::Work work = measure::forward_work(input.cost, input.rows, input.past, input.wanted);
  const measure::Limits limits{.bytes_per_second = input.bytes_per_second,
                               .flops_per_second = input.flops_per_second};
  return {work.flops, work.bytes, measure::least_seconds(work, limits)};
}

check::TokenProbabilities as_lists(const Distribution& distribution) {
  check::TokenProbabilities lists;
  for (const Choice& choice : distribution) {
    lists.tokens.push_back(choice.token);
    lists.probabilities.push_back(choice.probability);
  }
  return lists;
}

Distribution as_distribution(const check::TokenProbabilities& lists) {
  Distribution distribution;
  for (std::size_t i = 0; i < lists.tokens.size(); ++i)
    distribution.push_back({lists.tokens[i], lists.probabilities[i]});
  return distribution;
}

check::TokenProbabilities run_distribution(const check::DistributionInput& input) {
  if (input.temperature == 0) return {{greedy(input.logits)}, {1}};
  return as_lists(distribution(input.logits, input.temperature));
}

check::TokenProbabilities run_truncation(const check::TruncationInput& input) {
  const Distribution from = as_distribution(input.from);
  switch (input.rule) {
    case oracle::Truncation::top_k:
      return as_lists(top_k(from, static_cast<std::int64_t>(input.value)));
    case oracle::Truncation::top_p:
      return as_lists(top_p(from, input.value));
    case oracle::Truncation::min_p:
      break;
  }
  return as_lists(min_p(from, input.value));
}

check::Draws run_draw(const check::DrawInput& input) {
  const Distribution from = as_distribution(input.from);
  Random random(input.seed);
  std::vector<std::int32_t> tokens;
  tokens.reserve(static_cast<std::size_t>(input.draws));
  for (int i = 0; i < input.draws; ++i) tokens.push_back(draw(from, random));
  return check::judge_draws(input, std::move(tokens));
}

Numbers run_repetition_penalty(const check::RepetitionInput& input) {
  std::vector<float> logits = input.logits;
  penalise_repetition(logits, input.seen, input.penalty);
  return {logits.begin(), logits.end()};
}

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
    const SequencePlan plan{.rows = step.rows,
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

std::vector<check::JudgedFunction> chapter_functions() {
  return {
      check::judged<check::ByteAlphabetInput, std::optional<std::string>>(
          check::byte_alphabet_check(), "chapters/01_tokens/byte_alphabet", run_byte_alphabet),
      check::judged<check::Utf8StreamInput, std::vector<std::string>>(
          check::utf8_stream_check(), "chapters/01_tokens/utf8_stream", run_utf8_stream),
      check::judged<check::BpeInput, Ids>(check::bpe_check(), "chapters/01_tokens/bpe", run_bpe),
      check::judged<check::ChatmlInput, Ids>(check::chatml_check(), "chapters/01_tokens/chatml", run_chatml),
      check::judged<check::HalfInput, Numbers>(check::half_to_float_check(), "core/tensor/half_to_float",
                                               run_half_to_float),
      check::judged<check::RoundingInput, check::RoundedNumbers>(
          check::half_rounding_check(), "core/tensor/float_to_bfloat16 and float_to_half", run_half_rounding),
      check::judged<check::LinearWorkInput, Numbers>(check::linear_work_check(),
                                                     "chapters/02_tensors/linear_work", run_linear_work),
      check::judged<check::ForwardWorkInput, Numbers>(
          check::forward_work_check(), "core/measure/forward_work and least_seconds", run_forward_work),
      check::judged<check::DistributionInput, check::TokenProbabilities>(
          check::distribution_check(), "chapters/05_sampling/distribution", run_distribution),
      check::judged<check::TruncationInput, check::TokenProbabilities>(
          check::truncation_check(), "chapters/05_sampling/truncation", run_truncation),
      check::judged<check::RepetitionInput, Numbers>(
          check::repetition_penalty_check(), "chapters/05_sampling/repetition", run_repetition_penalty),
      check::judged<check::DrawInput, check::Draws>(check::draw_check(), "chapters/05_sampling/draw",
                                                    run_draw),
      check::judged<check::CacheCostInput, std::int64_t>(check::cache_cost_check(),
                                                         "chapters/06_kv_cache/cache_cost", run_cache_cost),
      check::judged<check::KvStoreInput, Numbers>(check::kv_store_check(),
                                                  "chapters/06_kv_cache/flat_kv_store", run_kv_store),
      check::judged<check::SequencesInput, std::vector<std::string>>(
          check::kv_sequences_check(), "chapters/06_kv_cache/flat_sequences", run_kv_sequences),
  };
}

}  // namespace rung

#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/check/function_check.h"
#include "core/oracle/sampling.h"
#include "core/oracle/tokens.h"
#include "core/stage/cost.h"
#include "core/tensor/dtype.h"

// The functions that the harness knows, in the chapters' order: what they take, and their checks.

namespace rung::check {

/// Doubles for people: "[1.5, -2, nan]".
std::string show_numbers(const std::vector<double>& numbers);
/// As long, and each equal or within `relative` of the other; NaN equals NaN.
bool same_numbers(const std::vector<double>& found, const std::vector<double>& expected, double relative);

/// Bytes for people: "caf\xC3".
std::string show_bytes(std::string_view bytes);

/// A text to be spelled, or a spelling to be read; nothing comes back for one that is outside the alphabet.
struct ByteAlphabetInput {
  /// Which way; `spell` is called for each byte of the text.
  enum class Way { spell, bytes };
  Way way = Way::spell;
  std::string text;
};
/// Both ways of chapter 01's byte alphabet.
FunctionCheck<ByteAlphabetInput, std::optional<std::string>> byte_alphabet_check();

/// Calls of a Utf8Stream; what each of them returns comes back.
struct Utf8StreamInput {
  std::vector<std::optional<std::string>> calls;  ///< push(…), or nothing: finish()
};
/// Chapter 01's stream of whole characters.
FunctionCheck<Utf8StreamInput, std::vector<std::string>> utf8_stream_check();

/// Merges and a word; the ids that it becomes come back.
struct BpeInput {
  std::vector<oracle::BpeMerge> merges;  ///< in the order of add()
  std::vector<std::int32_t> word;
};
/// Chapter 01's merging.
FunctionCheck<BpeInput, std::vector<std::int32_t>> bpe_check();

/// A system message and what the user says, turn by turn. What the model reads before its answers comes back, one
/// turn behind the other, in ids of 256 bytes, oracle::im_start and oracle::im_end.
struct ChatmlInput {
  std::string system;
  std::vector<std::string> user_turns;
};
/// Chapter 01's ChatML.
FunctionCheck<ChatmlInput, std::vector<std::int32_t>> chatml_check();

/// fp16 patterns; the values that they stand for come back, NaN for NaN.
using HalfInput = std::vector<std::uint16_t>;
/// fp16 to float.
FunctionCheck<HalfInput, std::vector<double>> half_to_float_check();

/// Numbers to be rounded to 16 bits, and the patterns that come back.
enum class SixteenBitRule { bfloat16, binary16 };
/// What is rounded, and to which of them.
struct RoundingInput {
  SixteenBitRule rule = SixteenBitRule::bfloat16;
  std::vector<float> numbers;
};
/// The patterns of the rounded numbers.
struct RoundedNumbers {
  SixteenBitRule rule = SixteenBitRule::bfloat16;
  std::vector<std::uint16_t> bits;
  friend bool operator==(const RoundedNumbers&, const RoundedNumbers&) = default;
};
/// Float to 16 bits.
FunctionCheck<RoundingInput, RoundedNumbers> half_rounding_check();

/// FLOPs and bytes of a product y [rows, out] = x [rows, in] · Wᵀ; they come back in that order.
struct LinearWorkInput {
  std::int64_t rows = 1;
  std::int64_t out = 1;
  std::int64_t in = 1;
  DType weight = DType::F32;
};
/// What a product takes.
FunctionCheck<LinearWorkInput, std::vector<double>> linear_work_check();

/// FLOPs and bytes of a forward pass, and the least seconds; they come back in that order.
struct ForwardWorkInput {
  StageCost cost;
  std::int64_t rows = 1;
  std::int64_t past = 0;
  std::int64_t wanted = 1;
  double bytes_per_second = 10;
  double flops_per_second = 100;
};
/// What a forward pass takes.
FunctionCheck<ForwardWorkInput, std::vector<double>> forward_work_check();

/// Tokens and their probabilities, likeliest first.
using oracle::TokenProbabilities;
/// "[2: 0.5, 0: 0.3]".
std::string show_choices(const TokenProbabilities& choices);
/// The same tokens in the same order, probabilities within `relative`.
bool same_choices(const TokenProbabilities& found, const TokenProbabilities& expected, double relative);

/// Logits [V] and a temperature.
struct DistributionInput {
  std::vector<float> logits;
  double temperature = 1;  ///< 0: greedy, whose token gets all
};
/// Chapter 05's softmax with temperature, and greedy.
FunctionCheck<DistributionInput, TokenProbabilities> distribution_check();

/// A sorted distribution, and the rule that cuts it.
struct TruncationInput {
  oracle::Truncation rule = oracle::Truncation::top_k;
  double value = 0;  ///< k, p or share
  TokenProbabilities from;
};
/// Chapter 05's top-k, top-p and min-p.
FunctionCheck<TruncationInput, TokenProbabilities> truncation_check();

/// Logits, the tokens seen so far, and the penalty on them; the logits come back.
struct RepetitionInput {
  std::vector<float> logits;
  std::vector<std::int32_t> seen;
  double penalty = 1;
};
/// Chapter 05's repetition penalty.
FunctionCheck<RepetitionInput, std::vector<double>> repetition_penalty_check();

/// Draws with the numbers that a generator of this seed gives.
struct DrawInput {
  TokenProbabilities from;
  std::uint64_t seed = 0;
  int draws = 1;
};
/// The tokens drawn. A few are right or wrong one by one; of thousands the counts are judged by a chi-square test.
struct Draws {
  std::vector<std::int32_t> tokens;
  double chi_square = 0;  ///< of thousands; else 0
  int degrees = 0;
  bool operator==(const Draws&) const = default;
};
/// What a candidate drew, with its statistic.
Draws judge_draws(const DrawInput& input, std::vector<std::int32_t> tokens);
/// Chapter 05's draw.
FunctionCheck<DrawInput, Draws> draw_check();

/// A question about the bytes of a cache of keys and values.
struct CacheCostInput {
  /// What is asked.
  enum class Rule {
    position,   ///< bytes of one position
    cache,      ///< bytes for `sequences` sequences of `count` positions each
    step,       ///< bytes that one decode step after `count` positions moves
    positions,  ///< positions that fit into `count` bytes
  };
  Rule rule = Rule::position;
  std::int64_t layers = 0, heads = 0, head_dim = 0, number_bytes = 0;
  std::int64_t count = 0;
  std::int64_t sequences = 1;
};
/// Bytes, or positions, come back.
FunctionCheck<CacheCostInput, std::int64_t> cache_cost_check();

/// A step of a script on a store of keys and values. Writes need numbers, and all are different: row i of the
/// script's step n has keys 100 n + 10 i + column and values that are the same with a minus.
struct KvStoreStep {
  /// What the step does.
  enum class Kind {
    write,  ///< positions [past, past + rows) of the sequence that begins at `first_slot`
    read,   ///< its positions [first_visible, past + rows), keys first
    copy,   ///< `rows` slots from `first_slot` to `to_slot`
  };
  Kind kind = Kind::write;
  int layer = 0;
  std::int32_t first_slot = 1, past = 0, rows = 0, first_visible = 0, to_slot = 0;
};
/// Before the first step, zeros are written to all slots but the last. Scripts leave slot 0 and the last three
/// alone, so that a store which is a slot off is still within its memory.
struct KvStoreInput {
  std::int64_t layers = 1, slots = 0, width = 1;
  std::vector<KvStoreStep> steps;
};
/// The numbers that step `n` writes: [rows · width].
std::vector<double> kv_store_numbers(const KvStoreInput& input, std::size_t n);
/// @return what all reads found, one after another
FunctionCheck<KvStoreInput, std::vector<double>> kv_store_check();

/// A step of a script on Sequences, and what a batch asks for.
struct SequencesStep {
  /// What the step does.
  enum class Kind { commit, abort, fork, truncate, drop };
  /// Rows of one sequence in a batch.
  struct Part {
    int sequence = 0, first = 0, rows = 0;
  };
  Kind kind = Kind::commit;
  std::vector<Part> batch = {};  ///< commit, abort: reserved, written, and then that
  int sequence = 0;              ///< the others
  int other = 0;                 ///< fork: to; truncate: the new length
};
/// A script, and what it runs on.
struct SequencesInput {
  int sequences = 2, positions = 4;  ///< room for so many, each so long
  std::vector<SequencesStep> steps;
};

/// What scripts run on. It remembers a number for each position of a sequence.
class SequencesMachine {
 public:
  virtual ~SequencesMachine() = default;
  /// Of what is reserved, the caller then looks at remembered(), calls write() for every part, and commit() or abort().
  /// @return false when there is no room
  /// @throws Error (usage) where Sequences do
  virtual bool reserve(const std::vector<SequencesStep::Part>& batch) = 0;
  virtual std::vector<double> remembered(std::size_t part) const = 0;  ///< of the sequence, before this batch
  /// Remembers a number for each row of the part.
  virtual void write(std::size_t part, const std::vector<double>& numbers) = 0;
  /// As Sequences::commit().
  virtual void commit() = 0;
  /// As Sequences::abort().
  virtual void abort() = 0;
  /// Positions remembered; 0 for a sequence never seen.
  virtual int length(int sequence) const = 0;
  /// @throws Error (usage, full) where Sequences do
  virtual void fork(int from, int to) = 0;
  /// As Sequences::truncate().
  virtual void truncate(int sequence, int length) = 0;
  /// As Sequences::drop().
  virtual void drop(int sequence) = 0;
};
/// Runs a script. @return what each step showed, in words
std::vector<std::string> run_script(const SequencesInput& input, SequencesMachine& machine);
/// What run_script() returns comes back.
FunctionCheck<SequencesInput, std::vector<std::string>> kv_sequences_check();

}  // namespace rung::check

#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/check/function_check.h"

// Chapter 06's functions: what they take, and their checks.

namespace rung::check {

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
  std::int32_t first_row = 0;  ///< where the sequence's rows are in the batch; to a store it is nothing
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

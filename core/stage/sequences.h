#pragma once

#include <cstdint>
#include <optional>

#include "core/stage/batch.h"
#include "core/stage/plan.h"

namespace rung {

/// What is remembered of each sequence: the bookkeeping; the bytes are a KvStore's.
///
/// A batch goes through in three steps: reserve() finds room for all of it or for none, the stage runs, then
/// commit() makes the new positions part of the sequences, or abort() forgets them. A sequence comes into
/// being with its first reserved batch. What one sequence takes over of another's beginning, so that it need
/// not be run again, comes with the pages of chapter 10.
class Sequences {
 public:
  virtual ~Sequences() = default;

  // [steps]
  /// @return the Plan, or nothing when there is no room ("full"); then nothing has changed
  /// @throws Error (usage) when positions do not go on where a sequence ended, or its rows are apart
  virtual std::optional<Plan> reserve(const Batch& batch) = 0;
  /// Makes the plan's positions part of their sequences.
  virtual void commit(const Plan& plan) = 0;
  /// Gives the plan's room back; the sequences are as before reserve().
  virtual void abort(const Plan& plan) = 0;
  // [steps]

  /// Positions remembered; 0 for a sequence never seen.
  virtual std::int32_t length(SequenceId sequence) const = 0;
  /// Starts `to` as a copy of `from`; what is then added to one does not show in the other. A `to` that
  /// exists is replaced.
  /// @throws Error (usage) when `from` is unknown, Error (full) when there is no room
  virtual void fork(SequenceId from, SequenceId to) = 0;
  /// Forgets positions >= `length`.
  /// @throws Error (usage) when the sequence is shorter
  virtual void truncate(SequenceId sequence, std::int32_t length) = 0;
  /// Forgets the sequence; nothing happens when it is unknown.
  virtual void drop(SequenceId sequence) = 0;
};

/// The sequences of a batch in order, with first_row, rows and past filled in from the batch alone (past is
/// the position of a sequence's first row).
/// @throws Error (usage) when the rows of a sequence are apart or its positions have holes
Plan plan_rows(const Batch& batch);

/// Checks that a batch's part goes on where the sequence ends.
/// @throws Error (usage) when it does not
void check_continues(const SequencePlan& sequence, std::int32_t length);
/// @throws Error (usage) unless `known`
void check_known(SequenceId sequence, bool known);
/// Checks that a sequence of `length` positions can be cut to `new_length`.
/// @throws Error (usage) when it cannot
void check_truncation(SequenceId sequence, std::int32_t length, std::int32_t new_length);

}  // namespace rung

#include "core/stage/sequences.h"

#include <unordered_set>

#include "core/error.h"

namespace rung {

Plan plan_rows(const Batch& batch) {
  Plan plan;
  std::unordered_set<SequenceId> seen;
  for (std::size_t i = 0; i < batch.rows.size(); ++i) {
    const Row& row = batch.rows[i];
    if (row.position < 0) {
      throw Error(ErrorKind::usage, "batch row {}: expected a position >= 0, found {}", i, row.position);
    }
    if (!plan.sequences.empty() && plan.sequences.back().sequence == row.sequence) {
      SequencePlan& last = plan.sequences.back();
      if (row.position != last.length()) {
        throw Error(ErrorKind::usage, "batch row {}: expected position {} of sequence {}, found {}", i,
                    last.length(), row.sequence, row.position);
      }
      ++last.rows;
      continue;
    }
    if (!seen.insert(row.sequence).second) {
      throw Error(ErrorKind::usage,
                  "batch row {}: the rows of sequence {} are apart; put them next to each other", i,
                  row.sequence);
    }
    SequencePlan next;
    next.sequence = row.sequence;
    next.first_row = static_cast<std::int32_t>(i);
    next.rows = 1;
    next.past = row.position;
    plan.sequences.push_back(next);
  }
  return plan;
}

void check_continues(const SequencePlan& sequence, std::int32_t length) {
  if (sequence.past != length) {
    throw Error(ErrorKind::usage, "sequence {}: its next position is {}, the batch begins at {}",
                sequence.sequence, length, sequence.past);
  }
}

void check_known(SequenceId sequence, bool known) {
  if (!known) throw Error(ErrorKind::usage, "sequence {}: unknown; run a batch with it first", sequence);
}

void check_truncation(SequenceId sequence, std::int32_t length, std::int32_t new_length) {
  if (new_length < 0 || new_length > length) {
    throw Error(ErrorKind::usage, "sequence {}: cannot truncate {} positions to {}", sequence, length,
                new_length);
  }
}

}  // namespace rung

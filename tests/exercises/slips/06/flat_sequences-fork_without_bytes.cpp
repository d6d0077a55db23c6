#include "chapters/06_kv_cache/flat_sequences.h"
#include "core/error.h"

namespace rung {

FlatSequences::FlatSequences(const StageOptions& options, FlatKvStore& store)
    : options_(options), store_(store) {
  for (std::int64_t lane = options.max_sequences - 1; lane >= 0; --lane) {
    free_lanes_.push_back(lane * options.max_positions);
  }
}

std::optional<Plan> FlatSequences::reserve(const Batch& batch) {
  Plan plan = plan_rows(batch);
  for (const SequencePlan& sequence : plan.sequences) check_continues(sequence, length(sequence.sequence));
  // First see whether everything fits, so that a full store is left as it was.
  std::size_t unknown = 0;
  for (SequencePlan& sequence : plan.sequences) {
    if (sequence.length() > options_.max_positions) return std::nullopt;
    sequence.is_new = !lanes_.contains(sequence.sequence);
    unknown += sequence.is_new ? 1 : 0;
  }
  if (unknown > free_lanes_.size()) return std::nullopt;

  for (SequencePlan& sequence : plan.sequences) {
    if (sequence.is_new) lanes_[sequence.sequence] = take_lane();
    sequence.first_slot = lanes_[sequence.sequence].first_slot;
  }
  return plan;
}

void FlatSequences::commit(const Plan& plan) {
  for (const SequencePlan& sequence : plan.sequences) lanes_.at(sequence.sequence).length = sequence.length();
}

void FlatSequences::abort(const Plan& plan) {
  // What was written behind a sequence's length is never read. Only new sequences must go.
  for (const SequencePlan& sequence : plan.sequences) {
    if (sequence.is_new) drop(sequence.sequence);
  }
}

std::int32_t FlatSequences::length(SequenceId sequence) const {
  const auto found = lanes_.find(sequence);
  return found == lanes_.end() ? 0 : found->second.length;
}

void FlatSequences::fork(SequenceId from, SequenceId to) {
  check_known(from, lanes_.contains(from));
  if (from == to) return;
  if (!lanes_.contains(to)) {
    if (free_lanes_.empty()) {
      throw Error(ErrorKind::full, "fork of sequence {}: all {} sequences are taken", from,
                  options_.max_sequences);
    }
    lanes_[to] = take_lane();
  }
  const Lane& source = lanes_[from];
  Lane& target = lanes_[to];
  target.length = source.length;
}

void FlatSequences::truncate(SequenceId sequence, std::int32_t new_length) {
  check_truncation(sequence, length(sequence), new_length);
  if (lanes_.contains(sequence)) lanes_[sequence].length = new_length;
}

void FlatSequences::drop(SequenceId sequence) {
  const auto found = lanes_.find(sequence);
  if (found == lanes_.end()) return;
  free_lanes_.push_back(found->second.first_slot);
  lanes_.erase(found);
}

FlatSequences::Lane FlatSequences::take_lane() {
  const Lane lane{.first_slot = free_lanes_.back(), .length = 0};
  free_lanes_.pop_back();
  return lane;
}

}  // namespace rung

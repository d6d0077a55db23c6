#include "chapters/07_grouped_query/ring_sequences.h"

#include <algorithm>

#include "chapters/07_grouped_query/ring.h"
#include "core/error.h"

namespace rung {

RingSequences::RingSequences(const StageOptions& options, std::optional<std::int64_t> window,
                             SlotStore& store)
    : options_(options),
      window_(window),
      store_(store),
      slots_(static_cast<std::int32_t>(lane_slots(window, options.max_positions, options.max_batch))) {
  for (std::int64_t lane = options.max_sequences - 1; lane >= 0; --lane) free_lanes_.push_back(lane * slots_);
}

std::optional<Plan> RingSequences::reserve(const Batch& batch) {
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
  for (const SequencePlan& sequence : plan.sequences) {
    if (slots_ == options_.max_positions || sequence.rows <= options_.max_batch) continue;
    throw Error(
        ErrorKind::usage,
        "sequence {}: {} rows in one batch; its ring of {} slots was made for at most {} (max_batch): run "
        "them in pieces",
        sequence.sequence, sequence.rows, slots_, options_.max_batch);
  }

  // [reserve]
  for (SequencePlan& sequence : plan.sequences) {
    if (sequence.is_new) lanes_[sequence.sequence] = take_lane();
    Lane& lane = lanes_[sequence.sequence];
    sequence.first_slot = lane.first_slot;
    sequence.ring = slots_;
    sequence.first_visible = oldest_seen(window_, sequence.past);
    // Whether or not the batch is committed: from now on its rows may be written.
    lane.oldest = std::max(lane.oldest, oldest_kept(slots_, sequence.length()));
  }
  // [reserve]
  return plan;
}

void RingSequences::commit(const Plan& plan) {
  for (const SequencePlan& sequence : plan.sequences) lanes_.at(sequence.sequence).length = sequence.length();
}

void RingSequences::abort(const Plan& plan) {
  for (const SequencePlan& sequence : plan.sequences) {
    if (sequence.is_new) drop(sequence.sequence);
  }
}

std::int32_t RingSequences::length(SequenceId sequence) const {
  const auto found = lanes_.find(sequence);
  return found == lanes_.end() ? 0 : found->second.length;
}

void RingSequences::fork(SequenceId from, SequenceId to) {
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
  // Once the ring has gone round, what is remembered may be in any slot.
  store_.copy(source.first_slot, target.first_slot, source.oldest > 0 ? slots_ : source.length);
  target.length = source.length;
  target.oldest = source.oldest;
}

// [truncate]
void RingSequences::truncate(SequenceId sequence, std::int32_t new_length) {
  check_truncation(sequence, length(sequence), new_length);
  const auto found = lanes_.find(sequence);
  if (found == lanes_.end()) return;
  Lane& lane = found->second;
  const std::int32_t shortest = shortest_cut(window_, lane.oldest);
  if (new_length > 0 && new_length < lane.length && new_length < shortest) {
    throw Error(
        ErrorKind::usage,
        "sequence {}: cannot be cut from {} to {} positions: the window of {} would see positions before {}, "
        "which its ring of {} slots has overwritten; cut to {} or more, or to 0 and run it again",
        sequence, lane.length, new_length, *window_, lane.oldest, slots_, std::min(lane.length, shortest));
  }
  lane.length = new_length;
  if (new_length == 0) lane.oldest = 0;
}
// [truncate]

void RingSequences::drop(SequenceId sequence) {
  const auto found = lanes_.find(sequence);
  if (found == lanes_.end()) return;
  free_lanes_.push_back(found->second.first_slot);
  lanes_.erase(found);
}

RingSequences::Lane RingSequences::take_lane() {
  const Lane lane{.first_slot = free_lanes_.back(), .length = 0, .oldest = 0};
  free_lanes_.pop_back();
  return lane;
}

}  // namespace rung

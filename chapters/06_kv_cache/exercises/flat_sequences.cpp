// Exercise 6.3: the sequences. What they must do stands in core/stage/sequences.h; that each sequence has a lane of
// max_positions slots, in chapters/06_kv_cache/flat_sequences.h.
//
// This file takes the place of chapters/06_kv_cache/flat_sequences.cpp, so it must define what that one does. The
// constructor, length and take_lane are given; the six other functions are yours.

#include "chapters/06_kv_cache/flat_sequences.h"

#include "core/error.h"

namespace rung {

// Given: all lanes are free, the first one on top.
FlatSequences::FlatSequences(const StageOptions& options, FlatKvStore& store)
    : options_(options), store_(store) {
  for (std::int64_t lane = options.max_sequences - 1; lane >= 0; --lane) {
    free_lanes_.push_back(lane * options.max_positions);
  }
}

std::optional<Plan> FlatSequences::reserve(const Batch& batch) {
  Plan plan = plan_rows(batch);  // given: sequence, first_row, rows and past of each part of the batch
  throw Error(ErrorKind::bad_input,
              "reserve is not written yet: chapters/06_kv_cache/exercises/README.md, exercise 6.3");
}

void FlatSequences::commit(const Plan& plan) {
  throw Error(ErrorKind::bad_input,
              "commit is not written yet: chapters/06_kv_cache/exercises/README.md, exercise 6.3");
}

void FlatSequences::abort(const Plan& plan) {
  throw Error(ErrorKind::bad_input,
              "abort is not written yet: chapters/06_kv_cache/exercises/README.md, exercise 6.3");
}

// Given: 0 for a sequence that is unknown.
std::int32_t FlatSequences::length(SequenceId sequence) const {
  const auto found = lanes_.find(sequence);
  return found == lanes_.end() ? 0 : found->second.length;
}

void FlatSequences::fork(SequenceId from, SequenceId to) {
  throw Error(ErrorKind::bad_input,
              "fork is not written yet: chapters/06_kv_cache/exercises/README.md, exercise 6.3");
}

void FlatSequences::truncate(SequenceId sequence, std::int32_t new_length) {
  throw Error(ErrorKind::bad_input,
              "truncate is not written yet: chapters/06_kv_cache/exercises/README.md, exercise 6.3");
}

void FlatSequences::drop(SequenceId sequence) {
  throw Error(ErrorKind::bad_input,
              "drop is not written yet: chapters/06_kv_cache/exercises/README.md, exercise 6.3");
}

// Given: takes a lane from the free ones. There must be one.
FlatSequences::Lane FlatSequences::take_lane() {
  const Lane lane{.first_slot = free_lanes_.back(), .length = 0};
  free_lanes_.pop_back();
  return lane;
}

}  // namespace rung

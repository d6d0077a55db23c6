// Exercise 7.2: a ring's arithmetic. What the five functions must do stands in chapters/07_grouped_query/ring.h.
//
// This file takes the place of chapters/07_grouped_query/ring.cpp, so it must define what that one does. run_to_write
// and run_to_read are given.

#include "chapters/07_grouped_query/ring.h"

#include <algorithm>

#include "core/error.h"

namespace rung {

std::int64_t lane_slots(std::optional<std::int64_t> window, std::int64_t max_positions,
                        std::int64_t max_batch) {
  throw Error(ErrorKind::bad_input,
              "lane_slots is not written yet: chapters/07_grouped_query/exercises/README.md, exercise 7.2");
}

std::int32_t oldest_seen(std::optional<std::int64_t> window, std::int32_t position) {
  throw Error(ErrorKind::bad_input,
              "oldest_seen is not written yet: chapters/07_grouped_query/exercises/README.md, exercise 7.2");
}

std::int32_t oldest_kept(std::int32_t slots, std::int32_t length) {
  throw Error(ErrorKind::bad_input,
              "oldest_kept is not written yet: chapters/07_grouped_query/exercises/README.md, exercise 7.2");
}

std::int32_t shortest_cut(std::optional<std::int64_t> window, std::int32_t oldest) {
  throw Error(ErrorKind::bad_input,
              "shortest_cut is not written yet: chapters/07_grouped_query/exercises/README.md, exercise 7.2");
}

std::vector<PositionRun> slot_runs(const SequencePlan& sequence, std::int32_t first, std::int32_t last) {
  throw Error(ErrorKind::bad_input,
              "slot_runs is not written yet: chapters/07_grouped_query/exercises/README.md, exercise 7.2");
}

// Given: plans that stand for one run alone.
SequencePlan run_to_write(const SequencePlan& sequence, const PositionRun& run) {
  SequencePlan part = sequence;
  part.first_row += run.first - sequence.past;
  part.past = run.first;
  part.rows = run.count;
  return part;
}

SequencePlan run_to_read(const SequencePlan& sequence, const PositionRun& run) {
  SequencePlan part = sequence;
  part.first_visible = run.first;
  part.past = run.first + run.count;
  part.rows = 0;
  return part;
}

}  // namespace rung

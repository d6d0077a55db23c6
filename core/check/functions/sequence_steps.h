#pragma once

#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "core/check/functions/kv_cache.h"

// Steps of scripts on Sequences, as the checks of flat lanes and of rings write them, and what a step without a batch shows.

namespace rung::check::sequence_steps {

/// Reserve, write, commit.
inline SequencesStep commit(std::vector<SequencesStep::Part> batch) {
  return {.kind = SequencesStep::Kind::commit, .batch = std::move(batch)};
}
/// Reserve, write, abort.
inline SequencesStep abort(std::vector<SequencesStep::Part> batch) {
  return {.kind = SequencesStep::Kind::abort, .batch = std::move(batch)};
}
/// `to` begins as `from` is.
inline SequencesStep fork(int from, int to) {
  return {.kind = SequencesStep::Kind::fork, .sequence = from, .other = to};
}
/// The first `length` positions stay.
inline SequencesStep truncate(int sequence, int length) {
  return {.kind = SequencesStep::Kind::truncate, .sequence = sequence, .other = length};
}
/// The sequence goes.
inline SequencesStep drop(int sequence) {
  return {.kind = SequencesStep::Kind::drop, .sequence = sequence};
}

/// Runs a fork, a truncate or a drop. @return "2 has 3", the sequence and its length after it
/// @throws Error (usage, full) where Sequences do
inline std::string run_change(const SequencesStep& step, SequencesMachine& machine) {
  if (step.kind == SequencesStep::Kind::fork) {
    machine.fork(step.sequence, step.other);
    return fmt::format("{} has {}", step.other, machine.length(step.other));
  }
  if (step.kind == SequencesStep::Kind::truncate)
    machine.truncate(step.sequence, step.other);
  else
    machine.drop(step.sequence);
  return fmt::format("{} has {}", step.sequence, machine.length(step.sequence));
}

}  // namespace rung::check::sequence_steps

#pragma once

#include "core/error.h"
#include "core/stage/sequences.h"
#include "tests/catch.h"

namespace rung::testing {

/// A batch of `count` tokens of one sequence.
inline Batch tokens_of(SequenceId sequence, std::int32_t first, std::size_t count) {
  Batch batch;
  batch.add(sequence, first, std::vector<std::int32_t>(count, 7), Batch::Logits::none);
  return batch;
}

inline void reserve_and_commit(Sequences& sequences, const Batch& batch) {
  const auto plan = sequences.reserve(batch);
  REQUIRE(plan);
  sequences.commit(*plan);
}

/// Checks what core/stage/sequences.h promises of any Sequences.
/// @param sequences  empty, with room for 2 sequences of 4 positions
inline void check_contract(Sequences& sequences) {
  // Reserved positions are no part of a sequence until they are committed.
  const auto plan = sequences.reserve(tokens_of(1, 0, 2));
  REQUIRE(plan);
  CHECK(sequences.length(1) == 0);
  sequences.commit(*plan);
  CHECK(sequences.length(1) == 2);
  CHECK(sequences.length(77) == 0);

  // An aborted batch leaves known sequences as they were and new ones unknown.
  Batch both = tokens_of(1, 2, 1);
  const Batch second = tokens_of(2, 0, 3);
  both.rows.insert(both.rows.end(), second.rows.begin(), second.rows.end());
  const auto aborted = sequences.reserve(both);
  REQUIRE(aborted);
  sequences.abort(*aborted);
  CHECK(sequences.length(1) == 2);
  CHECK(sequences.length(2) == 0);
  CHECK_THROWS_AS(sequences.fork(2, 3), Error);
  reserve_and_commit(sequences, tokens_of(1, 2, 1));
  CHECK(sequences.length(1) == 3);

  // A sequence that was cut to nothing is known, and stays so when the next batch is aborted.
  sequences.truncate(1, 0);
  const auto refused = sequences.reserve(tokens_of(1, 0, 1));
  REQUIRE(refused);
  sequences.abort(*refused);
  sequences.fork(1, 2);
  reserve_and_commit(sequences, tokens_of(2, 0, 4));
  CHECK(sequences.length(1) == 0);

  // Full: a sequence or one sequence more; then nothing has changed.
  CHECK_FALSE(sequences.reserve(tokens_of(2, 4, 1)));
  CHECK_FALSE(sequences.reserve(tokens_of(3, 0, 1)));
  CHECK_THROWS_AS(sequences.fork(2, 3), Error);
  CHECK(sequences.length(2) == 4);
  CHECK(sequences.length(3) == 0);
  sequences.drop(1);
  reserve_and_commit(sequences, tokens_of(3, 0, 1));

  // Positions go on where the sequence ended.
  CHECK_THROWS_AS(sequences.reserve(tokens_of(3, 0, 1)), Error);
  CHECK_THROWS_AS(sequences.reserve(tokens_of(3, 2, 1)), Error);
  CHECK_THROWS_AS(sequences.truncate(3, 2), Error);
  sequences.drop(1);  // unknown: nothing happens
  CHECK(sequences.length(3) == 1);
}

}  // namespace rung::testing

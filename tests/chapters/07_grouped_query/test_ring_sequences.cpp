#include <optional>
#include <string>
#include <vector>

#include "chapters/07_grouped_query/ring.h"
#include "chapters/07_grouped_query/ring_sequences.h"
#include "core/error.h"
#include "tests/catch.h"
#include "tests/support/sequences_contract.h"

using namespace rung;

namespace {

constexpr SlotStoreShape any_slots{.layers = 1, .slots = 64, .heads = 1, .head_dim = 1};

/// What an Error says; "" when there is none.
template <typename Call>
std::string complaint_of(const Call& call) {
  try {
    call();
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

}  // namespace

TEST_CASE("ring sequences keep the contract of Sequences, flat and with a window") {
  for (const std::optional<std::int64_t> window :
       {std::optional<std::int64_t>(), std::optional<std::int64_t>(2)}) {
    const auto store = make_slot_store(KvType::f32, any_slots);
    RingSequences sequences({.max_positions = 4, .max_sequences = 2, .max_batch = 4}, window, *store);
    testing::check_contract(sequences);
  }
}

TEST_CASE("positions are cut into runs where the ring begins again") {
  SequencePlan plan;
  plan.ring = 6;
  plan.first_slot = 12;
  const auto runs = slot_runs(plan, 9, 14);
  REQUIRE(runs.size() == 2);
  CHECK((runs[0].first == 9 && runs[0].count == 3));
  CHECK((runs[1].first == 12 && runs[1].count == 2));
  CHECK(plan.slot(9) == 15);
  CHECK(plan.slot(12) == 12);
  CHECK(slot_runs(plan, 6, 12).size() == 1);
  CHECK(slot_runs(plan, 7, 13).size() == 2);
  CHECK(slot_runs(plan, 5, 5).empty());
  plan.ring = 0;
  CHECK(slot_runs(plan, 9, 1000).size() == 1);
}

TEST_CASE("what a ring cannot do is refused in one line that says what to do") {
  const auto store = make_slot_store(KvType::f32, any_slots);
  RingSequences sequences({.max_positions = 40, .max_sequences = 2, .max_batch = 3}, 4, *store);
  for (const std::int32_t first : {0, 3, 6, 9})
    testing::reserve_and_commit(sequences, testing::tokens_of(5, first, 3));

  CHECK(complaint_of([&] { sequences.reserve(testing::tokens_of(5, 12, 4)); }) ==
        "sequence 5: 4 rows in one batch; its ring of 6 slots was made for at most 3 (max_batch): run them "
        "in pieces");
  CHECK(complaint_of([&] { sequences.truncate(5, 9); }) ==
        "sequence 5: cannot be cut from 12 to 9 positions: the window of 4 would see positions before 6, "
        "which its "
        "ring of 6 slots has overwritten; cut to 10 or more, or to 0 and run it again");
  CHECK(sequences.length(5) == 12);
  sequences.truncate(5, 10);  // T_max - 1 less
  CHECK(sequences.length(5) == 10);
  CHECK_THROWS_AS(sequences.truncate(5, 9), Error);
  sequences.truncate(5, 10);  // nothing to cut
  sequences.truncate(5, 0);
  testing::reserve_and_commit(sequences, testing::tokens_of(5, 0, 3));
  sequences.truncate(5, 1);  // nothing has been overwritten yet
}

TEST_CASE("after an aborted batch nothing can be cut, and what the window sees is still there") {
  const auto store = make_slot_store(KvType::f32, any_slots);
  RingSequences sequences({.max_positions = 40, .max_sequences = 1, .max_batch = 3}, 4, *store);
  for (const std::int32_t first : {0, 3, 6})
    testing::reserve_and_commit(sequences, testing::tokens_of(1, first, 3));
  const auto plan = sequences.reserve(testing::tokens_of(1, 9, 3));
  REQUIRE(plan);
  sequences.abort(*plan);
  CHECK_THROWS_AS(sequences.truncate(1, 8), Error);
  sequences.truncate(1, 9);
  const auto next = sequences.reserve(testing::tokens_of(1, 9, 1));
  REQUIRE(next);
  CHECK(next->sequences[0].first_visible == 6);
}

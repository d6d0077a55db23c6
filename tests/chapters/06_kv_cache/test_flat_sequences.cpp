#include "chapters/06_kv_cache/flat_sequences.h"
#include "core/error.h"
#include "tests/catch.h"
#include "tests/support/sequences_contract.h"

using rung::Batch;
using rung::Matrix;

namespace {

// A store of 2 lanes of 4 slots, 1 layer, 3 numbers per slot, and helpers that write and read one sequence.
struct Cache {
  rung::FlatKvStore store{1, 2 * 4, 3};
  rung::FlatSequences sequences{{.max_positions = 4, .max_sequences = 2}, store};

  static Batch batch(rung::SequenceId sequence, std::int32_t first, std::size_t count) {
    Batch rows;
    rows.add(sequence, first, std::vector<std::int32_t>(count), Batch::Logits::none);
    return rows;
  }
  // Adds positions whose keys are `value` and values -value.
  void add(rung::SequenceId sequence, std::int32_t first, std::size_t count, float value) {
    const auto plan = sequences.reserve(batch(sequence, first, count));
    REQUIRE(plan);
    const Matrix rows = Matrix::Constant(static_cast<Eigen::Index>(count), 3, value);
    store.write(0, plan->sequences[0], rows, -rows);
    sequences.commit(*plan);
  }
  // First number of the keys of all positions; checks the values too.
  std::vector<float> read(rung::SequenceId sequence) {
    const auto plan = sequences.reserve(batch(sequence, sequences.length(sequence), 1));
    REQUIRE(plan);
    auto remembered = plan->sequences[0];
    remembered.rows = 0;
    sequences.abort(*plan);
    Matrix scratch;
    const Matrix keys = store.keys(0, remembered, scratch);
    CHECK(Matrix(store.values(0, remembered, scratch)) == -keys);
    std::vector<float> list;
    for (Eigen::Index i = 0; i < keys.rows(); ++i) list.push_back(keys(i, 0));
    return list;
  }
};

using List = std::vector<float>;

}  // namespace

TEST_CASE("flat sequences keep the contract of Sequences") {
  Cache cache;
  rung::testing::check_contract(cache.sequences);
}

TEST_CASE("what is written is read back, in order, by sequence") {
  Cache cache;
  cache.add(5, 0, 2, 1);
  cache.add(9, 0, 1, 2);
  cache.add(5, 2, 1, 3);
  CHECK(cache.read(5) == List{1, 1, 3});
  CHECK(cache.read(9) == List{2});
  CHECK(cache.sequences.length(5) == 3);
  CHECK(cache.sequences.length(77) == 0);
}

TEST_CASE("full changes nothing") {
  Cache cache;
  cache.add(1, 0, 4, 1);
  CHECK_FALSE(cache.sequences.reserve(Cache::batch(1, 4, 1)));  // longer than a lane
  cache.add(2, 0, 1, 2);
  CHECK_FALSE(cache.sequences.reserve(Cache::batch(3, 0, 1)));  // no third lane
  Batch both = Cache::batch(2, 1, 1);  // one fits, the other does not: neither is taken
  both.add(3, 0, std::vector<std::int32_t>(1), Batch::Logits::none);
  CHECK_FALSE(cache.sequences.reserve(both));
  CHECK(cache.sequences.length(2) == 1);
  cache.sequences.drop(1);
  CHECK(cache.sequences.reserve(both));
}

TEST_CASE("an aborted batch is forgotten, and its new sequences give their lanes back") {
  Cache cache;
  cache.add(1, 0, 2, 1);
  Batch batch = Cache::batch(1, 2, 1);
  batch.add(2, 0, std::vector<std::int32_t>(3), Batch::Logits::none);
  const auto plan = cache.sequences.reserve(batch);
  REQUIRE(plan);
  cache.sequences.abort(*plan);
  CHECK(cache.sequences.length(1) == 2);
  CHECK(cache.sequences.length(2) == 0);
  cache.add(3, 0, 1, 4);  // takes the lane that 2 had
  CHECK(cache.read(1) == List{1, 1});
}

TEST_CASE("a fork is a copy: what one gets the other does not see") {
  Cache cache;
  cache.add(1, 0, 2, 1);
  cache.sequences.fork(1, 2);
  cache.add(1, 2, 1, 3);
  cache.add(2, 2, 1, 4);
  CHECK(cache.read(1) == List{1, 1, 3});
  CHECK(cache.read(2) == List{1, 1, 4});
  CHECK_THROWS_AS(cache.sequences.fork(1, 3), rung::Error);   // no lane left
  CHECK_THROWS_AS(cache.sequences.fork(99, 2), rung::Error);  // unknown
  cache.sequences.fork(2, 1);                                 // onto one that exists
  CHECK(cache.read(1) == List{1, 1, 4});
}

TEST_CASE("truncate forgets the end") {
  Cache cache;
  cache.add(1, 0, 3, 1);
  cache.sequences.truncate(1, 1);
  cache.add(1, 1, 1, 7);
  CHECK(cache.read(1) == List{1, 7});
  CHECK_THROWS_AS(cache.sequences.truncate(1, 3), rung::Error);
  CHECK_THROWS_AS(cache.sequences.truncate(1, -1), rung::Error);
}

TEST_CASE("bytes are those allocated") {
  const rung::FlatKvStore store(5, 8, 3);
  CHECK(store.bytes() == 5 * 2 * 8 * 3 * 4);
  CHECK(store.bytes_per_position() == 5 * 2 * 3 * 4);
}

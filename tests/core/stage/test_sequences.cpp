#include "core/error.h"
#include "core/stage/sequences.h"
#include "core/stage/stage.h"
#include "core/stage/token_sequences.h"
#include "tests/catch.h"
#include "tests/support/sequences_contract.h"

using rung::Batch;

namespace {

Batch rows(std::initializer_list<rung::Row> list) {
  return {.rows = list};
}

}  // namespace

TEST_CASE("a batch is cut into its sequences") {
  const auto plan = rung::plan_rows(rows({{.token = 1, .sequence = 7, .position = 4},
                                          {.token = 2, .sequence = 7, .position = 5},
                                          {.token = 3, .sequence = 2, .position = 0}}));
  REQUIRE(plan.sequences.size() == 2);
  CHECK(plan.sequences[0].sequence == 7);
  CHECK(plan.sequences[0].first_row == 0);
  CHECK(plan.sequences[0].past == 4);
  CHECK(plan.sequences[0].length() == 6);
  CHECK(plan.sequences[1].first_row == 2);
  CHECK(plan.sequences[1].past == 0);
  CHECK(plan.sequences[1].length() == 1);
}

TEST_CASE("a batch that cannot be right is refused") {
  CHECK_THROWS_AS(rung::plan_rows(rows({{.position = -1}})), rung::Error);
  CHECK_THROWS_AS(rung::plan_rows(rows({{.position = 0}, {.position = 2}})), rung::Error);  // a hole
  CHECK_THROWS_AS(rung::plan_rows(rows({{.position = 0}, {.position = 0}})), rung::Error);  // twice
  CHECK_THROWS_AS(rung::plan_rows(rows({{.sequence = 1}, {.sequence = 2}, {.sequence = 1, .position = 1}})),
                  rung::Error);  // apart
}

TEST_CASE("who wants logits") {
  const std::vector<std::int32_t> tokens{5, 6, 7};
  Batch none, last, all;
  none.add(0, 0, tokens, Batch::Logits::none);
  last.add(0, 0, tokens, Batch::Logits::last);
  all.add(0, 0, tokens, Batch::Logits::all);
  CHECK(none.wanted() == 0);
  CHECK(last.wanted() == 1);
  CHECK(last.rows[2].wants_logits);
  CHECK(all.wanted() == 3);
  CHECK(last.rows[1].position == 1);
}

TEST_CASE("stage options are held against the model") {
  rung::ModelConfig config;
  config.context = 100;
  CHECK(rung::with_defaults({}, config).max_positions == 100);
  CHECK_THROWS_AS(rung::with_defaults({.max_positions = 101}, config), rung::Error);
  CHECK_THROWS_AS(rung::with_defaults({.max_positions = -1}, config), rung::Error);
  CHECK_THROWS_AS(rung::with_defaults({.max_positions = 1, .max_sequences = 0}, config), rung::Error);
}

TEST_CASE("token sequences keep the contract of Sequences") {
  rung::TokenSequences sequences({.max_positions = 4, .max_sequences = 2});
  rung::testing::check_contract(sequences);
}

TEST_CASE("token sequences know the tokens that are reserved, and the batches they came in") {
  using Tokens = std::vector<std::int32_t>;
  const auto batch = [](std::int32_t first, const Tokens& tokens) {
    Batch one;
    one.add(5, first, tokens, Batch::Logits::none);
    return one;
  };
  rung::TokenSequences sequences({.max_positions = 8, .max_sequences = 2});
  const auto tokens = [&] {
    const auto list = sequences.tokens(5);
    return Tokens(list.begin(), list.end());
  };
  const auto starts = [&] {
    const auto list = sequences.starts(5);
    return std::vector<std::int64_t>(list.begin(), list.end());
  };
  rung::testing::reserve_and_commit(sequences, batch(0, {1, 2, 3}));
  const auto plan = sequences.reserve(batch(3, {4, 5}));
  REQUIRE(plan);
  CHECK(tokens() == Tokens{1, 2, 3, 4, 5});
  CHECK(starts() == std::vector<std::int64_t>{0, 3});
  sequences.abort(*plan);
  CHECK(tokens() == Tokens{1, 2, 3});
  rung::testing::reserve_and_commit(sequences, batch(3, {6}));
  sequences.truncate(5, 3);
  CHECK(tokens() == Tokens{1, 2, 3});
  CHECK(starts() == std::vector<std::int64_t>{0});
}

TEST_CASE("a batch is committed when it has run and aborted when it has not") {
  rung::TokenSequences sequences({.max_positions = 4, .max_sequences = 2});
  const Batch two = rung::testing::tokens_of(1, 0, 2);
  CHECK_THROWS_AS(rung::run_reserved(two, sequences,
                                     [](const rung::Plan&) -> rung::Matrix {
                                       throw rung::Error(rung::ErrorKind::bad_input, "no");
                                     }),
                  rung::Error);
  CHECK(sequences.length(1) == 0);
  const auto logits =
      rung::run_reserved(two, sequences, [](const rung::Plan&) { return rung::Matrix::Zero(1, 3).eval(); });
  CHECK(logits.cols() == 3);
  CHECK(sequences.length(1) == 2);
  try {
    rung::run_reserved(rung::testing::tokens_of(1, 2, 3), sequences,
                       [](const rung::Plan&) { return rung::Matrix(); });
    FAIL("there is no room for that");
  } catch (const rung::Error& error) {
    CHECK(error.kind() == rung::ErrorKind::full);
  }
}

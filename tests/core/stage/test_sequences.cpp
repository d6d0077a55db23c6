#include "core/error.h"
#include "core/stage/sequences.h"
#include "core/stage/stage.h"
#include "tests/catch.h"

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

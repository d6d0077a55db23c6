#include "tests/catch.h"
#include "tests/cli/run_rung.h"

using rung::support::run_rung;

TEST_CASE("generate continues the prompt, the same at every run and on every stage") {
  const auto first = run_rung("generate 'And the LORD said' -m tiny -n 24");
  REQUIRE(first.status == 0);
  CHECK(first.err.empty());
  CHECK(first.out.starts_with("And the LORD said"));
  CHECK(first.out.size() > 40);
  CHECK(first.out.ends_with("\n"));
  CHECK(run_rung("generate 'And the LORD said' -m tiny -n 24").out == first.out);
  CHECK(run_rung("generate 'And the LORD said' -m tiny -n 24 --stage recompute").out == first.out);
}

TEST_CASE("the seed decides what is drawn, and top-k 1 is greedy") {
  const std::string draw = "generate 'In the beginning' -m tiny -n 24 --temperature 1";
  const auto one = run_rung(draw + " --seed 1");
  CHECK(one.out == run_rung(draw + " --seed 1").out);
  CHECK(one.out != run_rung(draw + " --seed 2").out);
  CHECK(run_rung(draw + " --top-k 1 --seed 3").out ==
        run_rung("generate 'In the beginning' -m tiny -n 24").out);
}

TEST_CASE("statistics go to stderr, the text to stdout") {
  const auto plain = run_rung("generate 'Now' -m tiny -n 8");
  const auto stats = run_rung("generate 'Now' -m tiny -n 8 --stats");
  CHECK(stats.out == plain.out);
  CHECK(stats.err.find("decode") != std::string::npos);
}

TEST_CASE("the real model knows a capital") {
  const auto ran = run_rung("generate 'The capital of France is' -n 8");
  REQUIRE(ran.status == 0);
  CHECK(ran.out.find("Paris") != std::string::npos);
}

#include "core/oracle/work.h"

#include "tests/catch.h"

using namespace rung;

TEST_CASE("the oracle counts a product's terms") {
  const oracle::Work fp32 = oracle::linear_work(3, 2, 2, 1, 4);
  CHECK(fp32.flops == 24);
  CHECK(fp32.bytes == 2 * 2 * 4 + (3 * 2 + 3 * 2) * 4);
  const oracle::Work blocks = oracle::linear_work(1, 2, 64, 32, 34);
  CHECK(blocks.flops == 256);
  CHECK(blocks.bytes == 2 * 2 * 34 + (64 + 2) * 4);
}

TEST_CASE("the oracle counts a forward pass row by row") {
  StageCost cost = {.weight_bytes = 1000,
                    .output_bytes = 200,
                    .flops_per_row = 500,
                    .flops_per_logits_row = 100,
                    .flops_per_visible_position = 8,
                    .kv_bytes_per_position = 16};
  const oracle::Work decode = oracle::forward_work(cost, 1, 10, 1);
  CHECK(decode.flops == 500 + 100 + 11 * 8);
  CHECK(decode.bytes == 1000 + 200 + 11 * 16);
  const oracle::Work prefill = oracle::forward_work(cost, 3, 0, 0);
  CHECK(prefill.flops == 3 * 500 + (1 + 2 + 3) * 8);
  CHECK(prefill.bytes == 1000 + 3 * 16);
  StageCost mixture = cost;
  mixture.expert_bytes = 8000;
  mixture.experts = 8;
  mixture.experts_used = 2;
  CHECK(oracle::forward_work(mixture, 1, 10, 1).bytes == decode.bytes + 2000);
  CHECK(oracle::forward_work(mixture, 3, 0, 0).bytes == prefill.bytes + 2000 + 1500 + 1125);
  cost.window = 2;
  const oracle::Work windowed = oracle::forward_work(cost, 2, 5, 2);
  CHECK(windowed.flops == 2 * 500 + 2 * 100 + (2 + 2) * 8);
  CHECK(windowed.bytes == 1000 + 200 + (1 + 2) * 16);
}

TEST_CASE("the oracle's least time is the longer one") {
  CHECK(oracle::least_seconds({.bytes = 50, .flops = 100}, 10, 100) == 5);
  CHECK(oracle::least_seconds({.bytes = 50, .flops = 1000}, 10, 100) == 10);
}

#include "core/error.h"
#include "core/measure/roofline.h"
#include "tests/catch.h"

using namespace rung;
using namespace rung::measure;

namespace {

constexpr StageCost cost = {.weight_bytes = 1000,
                            .output_bytes = 200,
                            .flops_per_row = 500,
                            .flops_per_logits_row = 100,
                            .flops_per_visible_position = 8,
                            .kv_bytes_per_position = 16};

}  // namespace

TEST_CASE("A decode step reads all weights and the past, and sees the past and itself") {
  const Work work = decode_work(cost, 10);
  CHECK(work.bytes == 1000 + 200 + 11 * 16);
  CHECK(work.flops == 500 + 100 + 11 * 8);
  CHECK(work.intensity() == Approx(688.0 / 1376.0));
}

TEST_CASE("A stage without keys and values runs the past again at every step") {
  StageCost forgetful = cost;
  forgetful.kv_bytes_per_position = 0;
  const Work work = decode_work(forgetful, 3);
  CHECK(work.bytes == 1000 + 200);
  CHECK(work.flops == 4 * 500 + 100 + (1 + 2 + 3 + 4) * 8);
}

TEST_CASE("A prefill reads the weights once and sees a triangle") {
  const Work work = prefill_work(cost, 4);
  CHECK(work.bytes == 1000 + 200 + 4 * 16);
  CHECK(work.flops == 4 * 500 + 100 + (1 + 2 + 3 + 4) * 8);
}

TEST_CASE("A prefill in two chunks computes what the whole does, and reads the weights twice") {
  const Work whole = forward_work(cost, 7, 0, 1);
  const Work first = forward_work(cost, 3, 0, 0);
  const Work second = forward_work(cost, 4, 3, 1);
  CHECK(first.flops + second.flops == whole.flops);
  CHECK(first.bytes + second.bytes == whole.bytes + 1000 + 3 * 16);
}

TEST_CASE("Rows without logits leave the output matrix alone") {
  CHECK(forward_work(cost, 1, 0, 0).bytes == 1000 + 16);
  CHECK(forward_work(cost, 1, 0, 0).flops == 500 + 8);
}

TEST_CASE("Sizes beyond 2^31 do not overflow") {
  const StageCost large = {.weight_bytes = 140'000'000'000, .flops_per_row = 140'000'000'000};
  CHECK(forward_work(large, 131'072, 0, 0).flops == Approx(131'072.0 * 140e9));
}

TEST_CASE("A row sees the window at most, and keys and values before it are not read") {
  StageCost windowed = cost;
  windowed.window = 4;
  CHECK(decode_work(windowed, 2).flops == 500 + 100 + 3 * 8);
  CHECK(decode_work(windowed, 3).flops == 500 + 100 + 4 * 8);
  CHECK(decode_work(windowed, 10).flops == 500 + 100 + 4 * 8);
  CHECK(decode_work(windowed, 10).bytes == 1000 + 200 + 4 * 16);  // three of the past and its own
  CHECK(prefill_work(windowed, 6).flops == 6 * 500 + 100 + (1 + 2 + 3 + 4 + 4 + 4) * 8);
  CHECK(forward_work(windowed, 3, 2, 0).flops == 3 * 500 + (3 + 4 + 4) * 8);
  CHECK(forward_work(windowed, 3, 7, 0).bytes == 1000 + (3 + 3) * 16);
  windowed.window = 100;
  CHECK(forward_work(windowed, 3, 7, 1).flops == forward_work(cost, 3, 7, 1).flops);
  CHECK(forward_work(windowed, 3, 7, 1).bytes == forward_work(cost, 3, 7, 1).bytes);
}

TEST_CASE("Of a mixture's experts those are read that rows go to, each once") {
  StageCost mixture = cost;
  mixture.expert_bytes = 8000;
  mixture.experts = 8;
  mixture.experts_used = 2;
  CHECK(mixture.bytes_of_one_row() == 1000 + 200 + 2 * 1000);
  CHECK(decode_work(mixture, 10).bytes == Approx(1000 + 200 + 2 * 1000 + 11 * 16));
  CHECK(decode_work(mixture, 10).flops == decode_work(cost, 10).flops);
  // The second row misses each of the six others with probability 3/4.
  CHECK(forward_work(mixture, 2, 0, 0).bytes == Approx(1000 + (2 + 6 * 0.25) * 1000 + 2 * 16));
  CHECK(forward_work(mixture, 1000, 0, 0).bytes == Approx(1000 + 8000 + 1000 * 16));
  mixture.experts_used = 8;
  CHECK(decode_work(mixture, 10).bytes == 1000 + 200 + 8000 + 11 * 16);
}

TEST_CASE("The roofline is the slower of moving and computing") {
  const Limits limits = {.bytes_per_second = 10, .flops_per_second = 100};
  CHECK(least_seconds({.bytes = 50, .flops = 100}, limits) == 5);
  CHECK(least_seconds({.bytes = 50, .flops = 1000}, limits) == 10);
}

TEST_CASE("Impossible work is a usage error") {
  CHECK_THROWS_AS(forward_work(cost, 0, 0, 0), Error);
  CHECK_THROWS_AS(forward_work(cost, 1, -1, 0), Error);
  CHECK_THROWS_AS(forward_work(cost, 1, 0, 2), Error);
  CHECK_THROWS_AS(forward_work(cost, 1, 0, -1), Error);
}

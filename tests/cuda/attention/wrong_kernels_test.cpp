// The checks are checked: kernels with one mistake each, which give wrong numbers, are rejected by the harness.
// wrong_kernels.cmake says what was changed. Those that write where they must not, or only risk
// wrong numbers, are found by the checker (profile_test.cpp).

#include <algorithm>
#include <cmath>
#include <vector>

#include "core/check/check.h"
#include "core/check/ops/ops.h"
#include "tests/catch.h"
#include "tests/cuda/attention/batches.h"
#include "wrong/copies_not_awaited.cuh"
#include "wrong/copies_not_shared.cuh"
#include "wrong/factor_out_of_order.cuh"
#include "wrong/fetched_into_its_own_tile.cuh"
#include "wrong/first_row_dropped.cuh"
#include "wrong/half_rescaled.cuh"
#include "wrong/keys_swapped.cuh"
#include "wrong/kv_head_modulo.cuh"
#include "wrong/last_tile_dropped.cuh"
#include "wrong/lower_row_masked_as_upper.cuh"
#include "wrong/masked_after_max.cuh"
#include "wrong/masked_score_zero.cuh"
#include "wrong/max_of_one_lane.cuh"
#include "wrong/max_starts_at_0.cuh"
#include "wrong/max_starts_at_minus_10000.cuh"
#include "wrong/multiplied_as_half.cuh"
#include "wrong/nan_of_nothing.cuh"
#include "wrong/nothing_seen_divided.cuh"
#include "wrong/result_not_rescaled.cuh"
#include "wrong/ring_ignored.cuh"
#include "wrong/sum_not_rescaled.cuh"
#include "wrong/sum_of_one_lane.cuh"
#include "wrong/swizzled_on_one_side.cuh"
#include "wrong/tile_not_rescaled.cuh"
#include "wrong/tiles_not_awaited.cuh"
#include "wrong/tiles_overwritten.cuh"
#include "wrong/values_not_transposed.cuh"
#include "wrong/values_of_the_tile_before.cuh"
#include "wrong/window_one_longer.cuh"

using namespace rung;
using check::Report;

namespace {

/// The op with its probes, those of its problems that have few draws, and the one of large scores.
const check::Op& quick_op() {
  static const check::Op quick = [] {
    check::Op op = check::attention_op();
    std::erase_if(op.problems, [](const check::Problem& problem) {
      return problem.draws > 12 && problem.description.find("x30") == std::string::npos;
    });
    return op;
  }();
  return quick;
}

template <typename T>
Report judged(const char* name,
              void (*kernel)(const T*, const T*, const T*, T*, float*, const cuda::AttentionShape&),
              const check::Op& op = quick_op()) {
  const cuda::KernelRung rung = cuda::attention_rung({.name = name}, kernel);
  REQUIRE(rung.types.size() == 1);
  const check::Candidate candidate{
      .name = name, .op = "attention", .types = rung.types, .run = [&](const check::Call& call) {
        rung.run(call, cuda::Memory::of_the_device);
      }};
  return check::check(op, rung.types[0], candidate);
}

#define REJECTED(name, rung, type) \
  check_rejected(#name, judged<type>(#name, cuda::wrong_##name::rung::run<type>))

void check_rejected(const char* name, const Report& report) {
  INFO(name << ": " << check::to_text(report));
  CHECK_FALSE(report.passed);
}

}  // namespace

TEST_CASE("wrong kernels of online softmax are rejected by the harness") {
  REJECTED(kv_head_modulo, attention_02, float);
  REJECTED(window_one_longer, attention_02, float);
  REJECTED(sum_not_rescaled, attention_02, float);
  REJECTED(result_not_rescaled, attention_02, float);
  REJECTED(nothing_seen_divided, attention_02, float);
}

TEST_CASE("wrong kernels of tiled attention are rejected by the harness") {
  REJECTED(tile_not_rescaled, attention_03, float);
  REJECTED(masked_score_zero, attention_03, float);
  REJECTED(sum_of_one_lane, attention_03, float);
  REJECTED(max_of_one_lane, attention_03, float);
  REJECTED(last_tile_dropped, attention_03, float);
  REJECTED(tiles_not_awaited, attention_03, float);
  REJECTED(tiles_overwritten, attention_03, float);
}

TEST_CASE("wrong attention kernels on tensor cores are rejected by the harness") {
  REJECTED(half_rescaled, attention_04, __half);
  REJECTED(keys_swapped, attention_04, __half);
  REJECTED(lower_row_masked_as_upper, attention_04, __half);
  REJECTED(factor_out_of_order, attention_04, __half);
  REJECTED(multiplied_as_half, attention_04, __nv_bfloat16);
  REJECTED(copies_not_awaited, attention_05, __half);
  REJECTED(copies_not_shared, attention_05, __half);
  REJECTED(values_of_the_tile_before, attention_05, __half);
  REJECTED(fetched_into_its_own_tile, attention_05, __half);
  REJECTED(swizzled_on_one_side, attention_06, __half);
  REJECTED(values_not_transposed, attention_06, __half);
}

namespace {

template <typename T>
using Kernel = void (*)(const T*, const T*, const T*, T*, float*, const cuda::AttentionShape&);

/// How many numbers of a batch's result are wrong.
template <typename T>
int wrong_numbers(const cuda::Batch<T>& batch, Kernel<T> kernel) {
  const std::vector<double> right = batch.by_oracle().out;
  const std::vector<double> out = batch.by(kernel).out;
  int wrong = 0;
  for (std::size_t i = 0; i < out.size(); ++i)
    wrong += std::isnan(right[i]) || std::abs(out[i] - right[i]) < 0.01 ? 0 : 1;
  return wrong;
}

}  // namespace

TEST_CASE("attention kernels that ignore a batch's rows or a sequence's ring are found in a batch") {
  const cuda::Batch<__half> batch(
      {{.first_row = 1, .rows = 20, .past = 0, .keys = 20, .first_slot = 3, .ring = 40},
       {.first_row = 21, .rows = 9, .past = 50, .keys = 59, .first_slot = 43, .ring = 40}},
      {.heads = 2, .kv_heads = 1, .head_dim = 64, .window = 16});
  CHECK(wrong_numbers<__half>(batch, cuda::wrong_ring_ignored::attention_06::run<__half>) > 100);
  CHECK(wrong_numbers<__half>(batch, cuda::wrong_first_row_dropped::attention_06::run<__half>) > 1000);
}

// Names are told apart by all problems of the op.

TEST_CASE("an attention kernel that masks after the maximum is rejected by name") {
  const check::Op& op = check::find_op("attention");
  // exp of what is left is 0 where a masked score is far above the others. Where scores are close, the result is right.
  for (const Report& report :
       {judged<float>("f32", cuda::wrong_masked_after_max::attention_03::run<float>, op),
        judged<__half>("f16", cuda::wrong_masked_after_max::attention_03::run<__half>, op),
        judged<__nv_bfloat16>("bf16", cuda::wrong_masked_after_max::attention_03::run<__nv_bfloat16>, op)}) {
    INFO(check::to_text(report));
    CHECK_FALSE(report.passed);
    REQUIRE(report.matched.has_value());
    CHECK(report.matched->name == "masked_after_max");
  }
}

TEST_CASE("attention kernels whose maximum begins too high are rejected by name") {
  const check::Op& op = check::find_op("attention");
  const Report zero = judged<float>("zero", cuda::wrong_max_starts_at_0::attention_03::run<float>, op);
  const Report large =
      judged<__half>("large", cuda::wrong_max_starts_at_minus_10000::attention_04::run<__half>, op);
  for (const Report* report : {&zero, &large}) {
    INFO(check::to_text(*report));
    CHECK_FALSE(report->passed);
    REQUIRE(report->matched.has_value());
  }
  CHECK(zero.matched->name == "max_starts_at_a_number");
  CHECK(large.matched->name == "max_starts_at_a_number");
}

TEST_CASE(
    "an attention kernel that subtracts -infinity is found where a row sees nothing of its first tile") {
  // Heads of more than 128 numbers have tiles of 16 keys, for 32 queries.
  REJECTED(nan_of_nothing, attention_03, float);
}

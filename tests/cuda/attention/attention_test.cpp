// The rungs of attention on what the harness's op does not have: ragged batches, rings of slots, heads of 64 to 256
// numbers, log-sum-exps. (tests/cuda/ladder judges them on the op's own problems.)

#include <algorithm>
#include <cmath>
#include <vector>

#include "tests/catch.h"
#include "tests/cuda/attention/batches.h"

using namespace rung;
using cuda::Attended;
using cuda::AttentionSequence;
using cuda::BatchShape;

namespace {

/// The largest difference of two results; infinity where one is NaN and the other not, or infinite.
double difference(const std::vector<double>& a, const std::vector<double>& b) {
  REQUIRE(a.size() == b.size());
  double largest = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (a[i] == b[i] || (std::isnan(a[i]) && std::isnan(b[i]))) continue;
    const double one = std::abs(a[i] - b[i]);
    largest = std::max(largest, std::isnan(one) ? INFINITY : one);
  }
  return largest;
}

/// Every rung at one type: close to the oracle, and to the rung below.
template <typename T>
void check_rungs(const std::vector<AttentionSequence>& sequences, const BatchShape& common) {
  const cuda::Batch<T> batch(sequences, common);
  const Attended right = batch.by_oracle();
  // Results are means of N(0, 1) numbers, at most about 4; half an ulp of them, and the weights' rounding.
  constexpr bool half_sized = sizeof(T) == 2;
  constexpr double roundoff = std::is_same_v<T, float> ? 6e-8 : std::is_same_v<T, __half> ? 4.9e-4 : 3.9e-3;
  constexpr double room = half_sized ? 8 * roundoff : 100 * roundoff;
  Attended below = right;
  for (int rung = 1; rung <= (half_sized ? 6 : 3); ++rung) {
    INFO("rung " << rung << ", " << common.heads << "/" << common.kv_heads << " heads of " << common.head_dim
                 << ", " << sizeof(T) << " bytes");
    const Attended result = batch.by(rung);
    CHECK(difference(result.out, right.out) <= room);
    CHECK(difference(result.out, below.out) <= room);
    CHECK(difference(result.lse, right.lse) <= 1e-5);  // of fp32 sums, whatever the type
    below = result;
  }
}

// A prompt, a decode step, a chunk that goes on after 70 positions, and a sequence of one token. Rows 12 to 14 of the
// batch belong to nobody.
const std::vector<AttentionSequence> ragged = {
    {.first_row = 0, .rows = 11, .past = 0, .keys = 11, .first_slot = 40},
    {.first_row = 11, .rows = 1, .past = 33, .keys = 34, .first_slot = 0},
    {.first_row = 15, .rows = 70, .past = 70, .keys = 140, .first_slot = 60},
    {.first_row = 85, .rows = 1, .past = 0, .keys = 1, .first_slot = 200},
};

}  // namespace

TEST_CASE("attention rungs: a ragged batch, 1, 4 and 8 query heads for a key/value head") {
  check_rungs<float>(ragged, {.heads = 4, .kv_heads = 1, .head_dim = 64});
  check_rungs<__half>(ragged, {.heads = 2, .kv_heads = 2, .head_dim = 64});
  check_rungs<__half>(ragged, {.heads = 8, .kv_heads = 1, .head_dim = 64});
  check_rungs<__nv_bfloat16>(ragged, {.heads = 8, .kv_heads = 2, .head_dim = 64});
}

TEST_CASE("attention rungs: heads of 80, 96, 128 and 256 numbers, and of some in between") {
  const std::vector<AttentionSequence> chunk = {{.rows = 19, .past = 60, .keys = 79}};
  for (const int head_dim : {80, 96, 128, 256, 72, 33}) {
    check_rungs<float>(chunk, {.heads = 2, .kv_heads = 1, .head_dim = head_dim});
    check_rungs<__half>(chunk, {.heads = 2, .kv_heads = 1, .head_dim = head_dim});
    check_rungs<__nv_bfloat16>(chunk, {.heads = 2, .kv_heads = 1, .head_dim = head_dim, .gap = 8});
  }
}

TEST_CASE("attention rungs: windows, slots in a ring, and no causal mask") {
  // The window reaches back past the chunk's beginning; the ring has room for it and for the chunk.
  const std::vector<AttentionSequence> ring = {
      {.first_row = 0, .rows = 40, .past = 100, .keys = 140, .first_slot = 5, .ring = 71},
      {.first_row = 40, .rows = 3, .past = 0, .keys = 3, .first_slot = 76, .ring = 71}};
  check_rungs<float>(ring, {.heads = 2, .kv_heads = 1, .head_dim = 64, .window = 32});
  check_rungs<__half>(ring, {.heads = 2, .kv_heads = 1, .head_dim = 64, .window = 32});
  check_rungs<__nv_bfloat16>(ragged, {.heads = 2, .kv_heads = 1, .head_dim = 80, .window = 7, .gap = 3});
  check_rungs<__half>(ragged, {.heads = 2, .kv_heads = 1, .head_dim = 64, .causal = false});
  check_rungs<__half>(ragged, {.heads = 2, .kv_heads = 1, .head_dim = 64, .causal = false, .window = 40});
}

TEST_CASE("attention rungs: a query that sees no key gives 0, and log-sum-exp -infinity") {
  const std::vector<AttentionSequence> blind = {
      {.rows = 70, .past = -66, .keys = 4},
      {.first_row = 70, .rows = 2, .past = 5, .keys = 4, .first_slot = 4}};
  check_rungs<float>(blind, {.heads = 2, .kv_heads = 1, .head_dim = 64, .window = 2});
  check_rungs<__half>(blind, {.heads = 2, .kv_heads = 1, .head_dim = 64, .window = 2});
  const Attended result =
      cuda::Batch<__half>(blind, {.heads = 1, .kv_heads = 1, .head_dim = 64, .window = 2}).by(6);
  CHECK(result.out[65 * 64] == 0);
  CHECK(result.lse[65] == -INFINITY);
  CHECK(std::isfinite(result.lse[66]));
  CHECK(result.out[71 * 64] == 0);
  CHECK(result.lse[71] == -INFINITY);
}

TEST_CASE("attention's sequences are the Plan's") {
  const Plan plan{
      {{.sequence = 7, .first_row = 3, .rows = 2, .past = 5, .first_visible = 4, .first_slot = 16, .ring = 8},
       {.sequence = 9, .first_row = 5, .rows = 4, .past = 0, .first_slot = 24}}};
  const std::vector<AttentionSequence> sequences = cuda::attention_sequences(plan);
  REQUIRE(sequences.size() == 2);
  CHECK(sequences[0].first_row == 3);
  CHECK(sequences[0].rows == 2);
  CHECK(sequences[0].past == 5);
  CHECK(sequences[0].keys == 7);
  CHECK(sequences[0].first_slot == 16);
  CHECK(sequences[0].ring == 8);
  CHECK(sequences[1].keys == 4);
  CHECK(sequences[1].ring == 0);
}

TEST_CASE("attention rungs refuse heads that they have no room for, and fp32 on tensor cores") {
  const std::vector<AttentionSequence> one = {{.rows = 1, .keys = 1}};
  const BatchShape wide{.heads = 1, .kv_heads = 1, .head_dim = 257};
  CHECK_THROWS_WITH(cuda::Batch<float>(one, wide).by(3), ContainsSubstring("room for 256"));
  CHECK_THROWS_WITH(cuda::Batch<float>(one, {.heads = 1, .kv_heads = 1, .head_dim = 64}).by(4),
                    ContainsSubstring("16 bits"));
}

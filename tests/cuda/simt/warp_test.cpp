// What lanes of a warp do together.

#include <algorithm>
#include <numeric>
#include <vector>

#include "cuda/simt/simt.h"
#include "tests/catch.h"

using rung::simt::device_buffer;
using rung::simt::launch;

namespace {

enum Kind { direct, up, down, exclusive_or };

__global__ void shuffle(int* out, int kind, int operand, int width) {
  const int value = 100 + threadIdx.x;
  int result = 0;
  switch (kind) {
    case direct:
      result = __shfl_sync(0xffffffffu, value, operand, width);
      break;
    case up:
      result = __shfl_up_sync(0xffffffffu, value, operand, width);
      break;
    case down:
      result = __shfl_down_sync(0xffffffffu, value, operand, width);
      break;
    default:
      result = __shfl_xor_sync(0xffffffffu, value, operand, width);
      break;
  }
  out[threadIdx.x] = result;
}

/// The lane that is read: the pseudo-code of `shfl.sync` in the PTX ISA, with the operands that CUDA's headers form.
int lane_by_ptx(int lane, int kind, int operand, int width) {
  const int clamp = kind == up ? 0 : 0x1f, segment = 0x1f & ~(width - 1);
  const int highest = (lane & segment) | (clamp & ~segment), lowest = lane & segment;
  int from = 0;
  bool valid = false;
  switch (kind) {
    case up:
      from = lane - operand, valid = from >= highest;
      break;
    case down:
      from = lane + operand, valid = from <= highest;
      break;
    case exclusive_or:
      from = lane ^ operand, valid = from <= highest;
      break;
    default:
      from = lowest | (operand & 0x1f & ~segment), valid = from <= highest;
      break;
  }
  return valid ? from : lane;
}

}  // namespace

TEST_CASE("simt: shuffles of every kind, width and distance", "[simt]") {
  device_buffer<int> out(32);
  int wrong = 0;
  for (const int kind : {direct, up, down, exclusive_or}) {
    for (const int width : {1, 2, 4, 8, 16, 32}) {
      for (int operand = 0; operand < 32; ++operand) {
        launch("shuffle", shuffle, {.grid = 1, .block = 32}, out.data(), kind, operand, width);
        const auto got = out.download();
        for (int lane = 0; lane < 32; ++lane)
          wrong += got[lane] != 100 + lane_by_ptx(lane, kind, operand, width);
      }
    }
  }
  CHECK(wrong == 0);
}

namespace {

template <typename T>
__global__ void rotate(T* values) {
  values[threadIdx.x] = __shfl_sync(0xffffffffu, values[threadIdx.x], (threadIdx.x + 1) % 32);
}

template <typename T>
bool rotates() {
  std::vector<T> values;
  for (int i = 0; i < 32; ++i) values.push_back(static_cast<T>(i * 3));
  device_buffer<T> buffer(values);
  launch("rotate", rotate<T>, {.grid = 1, .block = 32}, buffer.data());
  const auto got = buffer.download();
  std::rotate(values.begin(), values.begin() + 1, values.end());
  return std::equal(got.begin(), got.end(), values.begin(),
                    [](T a, T b) { return static_cast<double>(a) == static_cast<double>(b); });
}

}  // namespace

TEST_CASE("simt: shuffles of every type", "[simt]") {
  CHECK(rotates<int>());
  CHECK(rotates<unsigned>());
  CHECK(rotates<float>());
  CHECK(rotates<double>());
  CHECK(rotates<long long>());
  CHECK(rotates<__half>());
  CHECK(rotates<__nv_bfloat16>());
}

namespace {

/// Four groups of eight lanes go their own ways, each as many times as it likes.
__global__ void groups(int* out) {
  const int lane = threadIdx.x % 32, group = lane / 8;
  const unsigned mask = 0xffu << (8 * group);
  int sum = lane;
  for (int i = 0; i <= group; ++i) {
    sum += __shfl_xor_sync(mask, sum, 1);
    sum += __shfl_xor_sync(mask, sum, 2);
    sum += __shfl_xor_sync(mask, sum, 4);
    __syncwarp(mask);
  }
  __syncwarp();
  out[threadIdx.x] = sum + 1000 * __popc(__ballot_sync(0xffffffffu, lane % 3 == 0));
}

/// Two halves in different branches, each with its own operation on its own line.
__global__ void branches(int* out) {
  __shared__ int held[32];
  const int lane = threadIdx.x;
  held[lane] = lane;
  if (lane < 16) {
    __syncwarp(0x0000ffffu);
    out[lane] = held[15 - lane] + __shfl_xor_sync(0x0000ffffu, lane, 1);
  } else {
    __syncwarp(0xffff0000u);
    out[lane] = held[47 - lane] + __shfl_xor_sync(0xffff0000u, lane, 2);
  }
}

}  // namespace

TEST_CASE("simt: lanes of a warp that go different ways", "[simt]") {
  device_buffer<int> out(96);
  launch("groups", groups, {.grid = 1, .block = 96}, out.data());
  const auto got = out.download();
  int wrong = 0;
  for (int i = 0; i < 96; ++i) {
    const int group = i % 32 / 8;
    int sum = 8 * (8 * group) + 28;  // of the group's lanes
    for (int j = 0; j < group; ++j) sum *= 8;
    wrong += got[i] != sum + 1000 * 11;
  }
  CHECK(wrong == 0);
  launch("branches", branches, {.grid = 1, .block = 32}, out.data());
  const auto halves = out.download();
  for (int i = 0; i < 32; ++i) wrong += halves[i] != (i < 16 ? 15 - i + (i ^ 1) : 47 - i + (i ^ 2));
  CHECK(wrong == 0);
}

namespace {

__global__ void vote(unsigned* out, unsigned mask, unsigned predicates) {
  const unsigned lane = threadIdx.x % 32;
  if ((mask >> lane & 1) == 0) return;
  const int mine = predicates >> lane & 1;
  const unsigned ballot = __ballot_sync(mask, mine * 5);  // any number that is not 0 is true
  const unsigned any_of = __any_sync(mask, mine), all_of = __all_sync(mask, mine);
  out[3 * threadIdx.x] = ballot;
  out[3 * threadIdx.x + 1] = any_of;
  out[3 * threadIdx.x + 2] = all_of;
}

}  // namespace

TEST_CASE("simt: votes, of all lanes, of some and of a partial warp", "[simt]") {
  device_buffer<unsigned> out(3 * 64);
  int wrong = 0;
  for (const unsigned mask : {0xffffffffu, 0x0000ff00u, 0x80000001u, 0x00000010u}) {
    for (const unsigned predicates : {0u, 0xffffffffu, 0x0000ff00u, 0x00008000u, ~0x00008000u, 0x00000010u}) {
      launch("vote", vote, {.grid = 1, .block = 32}, out.data(), mask, predicates);
      const auto got = out.download();
      for (unsigned lane = 0; lane < 32; ++lane) {
        if ((mask >> lane & 1) == 0) continue;
        wrong += got[3 * lane] != (mask & predicates);
        wrong += got[3 * lane + 1] != ((mask & predicates) != 0);
        wrong += got[3 * lane + 2] != ((mask & predicates) == mask);
      }
    }
  }
  CHECK(wrong == 0);
  // 40 threads: the second warp has 8 lanes, and a full mask means these.
  launch("vote", vote, {.grid = 1, .block = 40}, out.data(), 0xffffffffu, 0xffffffffu);
  const auto got = out.download();
  CHECK(got[3 * 31] == 0xffffffffu);
  CHECK(got[3 * 39] == 0x000000ffu);
  CHECK(got[3 * 39 + 2] == 1);
}

namespace {

__global__ void match(unsigned* out) {
  out[threadIdx.x] = __match_any_sync(0xffffffffu, static_cast<int>(threadIdx.x % 5));
}

}  // namespace

TEST_CASE("simt: matching lanes", "[simt]") {
  device_buffer<unsigned> out(32);
  launch("match", match, {.grid = 1, .block = 32}, out.data());
  const auto matched = out.download();
  for (unsigned lane = 0; lane < 32; ++lane) {
    unsigned same = 0;
    for (unsigned other = lane % 5; other < 32; other += 5) same |= 1u << other;
    CHECK(matched[lane] == same);
  }
}

namespace {

/// Lane 0 returns at once; the others say full masks, and it is not waited for.
__global__ void one_leaves(unsigned* out) {
  if (threadIdx.x == 0) return;
  __syncwarp();
  out[threadIdx.x] = __ballot_sync(0xffffffffu, 1);
  __syncthreads();
  out[threadIdx.x] += __syncthreads_count(1);
}

/// The last lane that is waited for leaves instead of coming.
__global__ void last_leaves(unsigned* out) {
  if (threadIdx.x != 63) out[threadIdx.x] = __ballot_sync(0xffffffffu, 1);
  if (threadIdx.x != 63) __syncthreads();
}

/// The same at a barrier, where all others wait already.
__global__ void last_leaves_barrier(unsigned* out) {
  if (threadIdx.x != 63) out[threadIdx.x] = __syncthreads_count(threadIdx.x < 10);
}

}  // namespace

TEST_CASE("simt: threads that have returned are not waited for", "[simt]") {
  device_buffer<unsigned> out(64);
  launch("one_leaves", one_leaves, {.grid = 1, .block = 32}, out.data());
  CHECK(out.download()[31] == 0xfffffffeu + 31);
  launch("last_leaves", last_leaves, {.grid = 1, .block = 64}, out.data());
  CHECK(out.download()[62] == 0x7fffffffu);
  CHECK(out.download()[1] == 0xffffffffu);
  launch("last_leaves_barrier", last_leaves_barrier, {.grid = 1, .block = 64}, out.data());
  CHECK(out.download()[62] == 10);
}

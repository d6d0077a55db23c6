// Grids, blocks, barriers, shared memory and atomics.

#include <algorithm>
#include <numeric>
#include <vector>

#include "cuda/simt/simt.h"
#include "tests/catch.h"

using rung::simt::device_buffer;
using rung::simt::dynamic_shared;
using rung::simt::launch;

namespace {

/// Each thread of the grid counts itself, and says what it knows of its place.
__global__ void where_am_i(int* count, dim3 grid, dim3 block) {
  const unsigned b = (blockIdx.z * gridDim.y + blockIdx.y) * gridDim.x + blockIdx.x;
  const unsigned t = (threadIdx.z * blockDim.y + threadIdx.y) * blockDim.x + threadIdx.x;
  const bool right = gridDim.x == grid.x && gridDim.y == grid.y && gridDim.z == grid.z &&
                     blockDim.x == block.x && blockDim.y == block.y && blockDim.z == block.z;
  // A warp is 32 threads that follow one another, x fastest.
  const unsigned lane_0 = __shfl_sync(0xffffffffu, t, 0);
  if (right && lane_0 == t / 32 * 32) count[b * blockDim.x * blockDim.y * blockDim.z + t] += 1;
}

}  // namespace

TEST_CASE("simt: every thread of every block runs once and knows where it is", "[simt]") {
  const dim3 grid(3, 4, 5), block(7, 5, 3);
  for (const unsigned count : {1u, 4u}) {
    rung::simt::set_threads(count);
    device_buffer<int> counted(std::vector<int>(60 * 105));
    launch("where_am_i", where_am_i, {.grid = grid, .block = block}, counted.data(), grid, block);
    const auto got = counted.download();
    CHECK(std::all_of(got.begin(), got.end(), [](int x) { return x == 1; }));
  }
  rung::simt::set_threads(0);
}

namespace {

__global__ void barrier_votes(int* out) {
  const int t = threadIdx.x;
  if (t == 7) return;  // not waited for, and not counted
  unsigned sum = 0;
  for (int i = 0; i < 10; ++i) {
    sum = sum * 3 + __syncthreads_count(t % (i + 1) == 0);
    sum = sum * 3 + 2 * __syncthreads_and(t != 95 + i) + __syncthreads_or(t == 95 + i);
  }
  out[t] = static_cast<int>(sum);
}

/// Each step every thread reads what another one wrote in the step before.
__global__ void ring(int* out, int steps) {
  __shared__ int held[2][128];
  const int t = threadIdx.x, n = blockDim.x;
  held[0][t] = t;
  __syncthreads();
  for (int i = 0; i < steps; ++i) {
    held[(i + 1) % 2][t] = held[i % 2][(t + 1) % n] + 1;
    __syncthreads();
  }
  out[blockIdx.x * n + t] = held[steps % 2][t];
}

}  // namespace

TEST_CASE("simt: barriers that count", "[simt]") {
  device_buffer<int> out(100);
  launch("barrier_votes", barrier_votes, {.grid = 1, .block = 100}, out.data());
  unsigned sum = 0;
  for (int i = 0; i < 10; ++i) {
    unsigned count = 0;
    for (int t = 0; t < 100; ++t) count += t != 7 && t % (i + 1) == 0;
    sum = sum * 3 + count;
    sum = sum * 3 + (95 + i < 100 ? 1 : 2);
  }
  const auto got = out.download();
  CHECK(static_cast<unsigned>(got[0]) == sum);
  CHECK(static_cast<unsigned>(got[99]) == sum);
}

TEST_CASE("simt: barriers order shared memory, which each block has for itself", "[simt]") {
  for (const unsigned count : {1u, 3u}) {
    rung::simt::set_threads(count);
    device_buffer<int> out(20 * 100);
    launch("ring", ring, {.grid = 20, .block = 100}, out.data(), 57);
    const auto got = out.download();
    int wrong = 0;
    for (int i = 0; i < 20 * 100; ++i) wrong += got[i] != (i % 100 + 57) % 100 + 57;
    CHECK(wrong == 0);
  }
  rung::simt::set_threads(0);
}

namespace {

struct Counters {
  int added, least, most;
  unsigned u_added, u_least, u_most;
  float sum;
  int taken, last;
  unsigned long long wide;
};

__global__ void count_all(Counters* c, int* tickets) {
  const int i = blockIdx.x * blockDim.x + threadIdx.x;
  atomicAdd(&c->added, i % 7);
  atomicSub(&c->added, 1);
  atomicMin(&c->least, 5 - i);
  atomicMax(&c->most, i - 1000);
  atomicAdd(&c->u_added, 0x10000u);
  atomicMin(&c->u_least, 0x80000000u + i);
  atomicMax(&c->u_most, 0x80000000u + i);
  atomicAdd(&c->sum, 0.5f);
  atomicAdd(&c->wide, 0x100000000ull);
  tickets[atomicAdd(&c->taken, 1)] = i;
  // A maximum by compare-and-swap, as kernels write it where there is no atomic for it.
  int seen = c->last;
  for (int expected = seen; i > seen; expected = seen) {
    seen = atomicCAS(&c->last, expected, i);
    if (seen == expected) break;
  }
}

/// How often each of 8 values is there: counted in shared memory, added up once per block.
__global__ void histogram(unsigned* out, const int* in, int n) {
  __shared__ unsigned count[8];
  if (threadIdx.x < 8) count[threadIdx.x] = 0;
  __syncthreads();
  for (int i = blockIdx.x * blockDim.x + threadIdx.x; i < n; i += gridDim.x * blockDim.x)
    atomicAdd(&count[in[i]], 1u);
  __syncthreads();
  if (threadIdx.x < 8) atomicAdd(&out[threadIdx.x], count[threadIdx.x]);
}

/// A chain: each thread leaves its number and takes the one before.
__global__ void exchange(unsigned* held, float* f, unsigned* taken) {
  const unsigned i = blockIdx.x * blockDim.x + threadIdx.x;
  taken[i] = atomicExch(held, i);
  atomicExch(f, static_cast<float>(i));
}

/// What each atomic operation returns: what was there before.
template <typename T>
__global__ void returns(T* got) {
  __shared__ T held;
  held = 5;
  int i = 0;
  got[i++] = atomicCAS(&held, T(5), T(7));  // 5, and it was
  got[i++] = atomicCAS(&held, T(5), T(9));  // 7, and it was not
  got[i++] = atomicAdd(&held, T(3));        // 7
  got[i++] = held;                          // 10
}
__global__ void returns_of_int(int* got) {
  __shared__ int held;
  held = 5;
  int i = 0;
  got[i++] = atomicSub(&held, 7);    // 5
  got[i++] = atomicMin(&held, -3);   // -2
  got[i++] = atomicMin(&held, 3);    // -3
  got[i++] = atomicMax(&held, -9);   // -3
  got[i++] = atomicMax(&held, 4);    // -3
  got[i++] = atomicExch(&held, 11);  // 4
  got[i++] = held;                   // 11
}

/// All threads of all blocks at the same two words.
__global__ void contend(int* count, float* sum, int times) {
  for (int i = 0; i < times; ++i) {
    atomicAdd(count, 1);
    atomicAdd(sum, 1.0f);
  }
}

}  // namespace

TEST_CASE("simt: atomics return what was there", "[simt]") {
  device_buffer<int> ints(4), more(7);
  device_buffer<unsigned> unsigneds(4);
  device_buffer<unsigned long long> wides(4);
  launch("returns", returns<int>, {.grid = 1, .block = 1}, ints.data());
  launch("returns", returns<unsigned>, {.grid = 1, .block = 1}, unsigneds.data());
  launch("returns", returns<unsigned long long>, {.grid = 1, .block = 1}, wides.data());
  launch("returns_of_int", returns_of_int, {.grid = 1, .block = 1}, more.data());
  CHECK(ints.download() == std::vector<int>{5, 7, 7, 10});
  CHECK(unsigneds.download() == std::vector<unsigned>{5, 7, 7, 10});
  CHECK(wides.download() == std::vector<unsigned long long>{5, 7, 7, 10});
  CHECK(more.download() == std::vector<int>{5, -2, -3, -3, -3, 4, 11});
}

TEST_CASE("simt: atomics under contention", "[simt]") {
  rung::simt::set_threads(4);
  device_buffer<int> count(std::vector<int>{0});
  device_buffer<float> sum(std::vector<float>{0});
  // 2^22 additions of 1: below 2^24, where fp32 stops to count.
  launch("contend", contend, {.grid = 8, .block = 32}, count.data(), sum.data(), 16384);
  CHECK(count.download()[0] == 8 * 32 * 16384);
  CHECK(sum.download()[0] == 8 * 32 * 16384);
  rung::simt::set_threads(0);
}

TEST_CASE("simt: atomics of blocks that run at the same time", "[simt]") {
  rung::simt::set_threads(4);
  const int n = 64 * 96;
  device_buffer<Counters> counters(std::vector<Counters>{{0, 0, -5000, 0, ~0u, 0, 0, 0, -1, 0}});
  device_buffer<int> tickets(n);
  launch("count_all", count_all, {.grid = 64, .block = 96}, counters.data(), tickets.data());
  const Counters got = counters.download()[0];
  int added = 0;
  for (int i = 0; i < n; ++i) added += i % 7 - 1;
  CHECK(got.added == added);
  CHECK(got.least == 5 - (n - 1));
  CHECK(got.most == n - 1 - 1000);
  CHECK(got.u_added == n * 0x10000u);
  CHECK(got.u_least == 0x80000000u);
  CHECK(got.u_most == 0x80000000u + n - 1);
  CHECK(got.sum == 0.5f * n);
  CHECK(got.wide == n * 0x100000000ull);
  CHECK(got.last == n - 1);
  auto taken = tickets.download();
  std::sort(taken.begin(), taken.end());
  std::vector<int> all(n);
  std::iota(all.begin(), all.end(), 0);
  CHECK(taken == all);

  std::vector<int> values(10007);
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = static_cast<int>(i * i % 8);
  device_buffer<int> in(values);
  device_buffer<unsigned> out(std::vector<unsigned>(8));
  launch("histogram", histogram, {.grid = 6, .block = 128}, out.data(), in.data(), 10007);
  std::vector<unsigned> expected(8);
  for (const int x : values) ++expected[x];
  CHECK(out.download() == expected);

  device_buffer<unsigned> held(std::vector<unsigned>{~0u}), before(512);
  device_buffer<float> f(std::vector<float>{-1});
  launch("exchange", exchange, {.grid = 8, .block = 64}, held.data(), f.data(), before.data());
  auto chain = before.download();
  chain.push_back(held.download()[0]);
  std::sort(chain.begin(), chain.end());
  for (unsigned i = 0; i < 512; ++i) CHECK(chain[i] == i);
  CHECK(chain[512] == ~0u);
  CHECK(f.download()[0] >= 0);
  rung::simt::set_threads(0);
}

namespace {

__global__ void vectors(float4* out, const float4* in, const int2* shift, uint4* bits) {
  const int i = threadIdx.x;
  float4 v = __ldg(&in[i]);
  const int2 s = shift[i];
  v.x += static_cast<float>(s.x);
  v.w *= static_cast<float>(s.y);
  out[i] = v;
  bits[i] = make_uint4(i, i + 1, i + 2, i + 3);
}

/// Dynamic shared memory read by another type than it was written by, as kernels do with 16-byte loads.
__global__ void retyped(float* out, std::size_t bytes) {
  half* halves = dynamic_shared<half>();
  for (unsigned i = threadIdx.x; i < bytes / 2; i += blockDim.x) halves[i] = half(static_cast<float>(i % 16));
  __syncthreads();
  const uint4 eight = reinterpret_cast<const uint4*>(halves)[threadIdx.x];
  const half2 pair = *reinterpret_cast<const half2*>(&eight.w);
  out[threadIdx.x] = __low2float(pair) + 100 * __high2float(pair);
}

}  // namespace

TEST_CASE("simt: vectors, and memory read by another type", "[simt]") {
  std::vector<float4> values;
  std::vector<int2> shifts;
  for (int i = 0; i < 16; ++i) {
    values.push_back(make_float4(static_cast<float>(i), 1, 2, 3));
    shifts.push_back(make_int2(10, i));
  }
  device_buffer<float4> in(values), out(16);
  device_buffer<int2> shift(shifts);
  device_buffer<uint4> bits(16);
  launch("vectors", vectors, {.grid = 1, .block = 16}, out.data(), in.data(), shift.data(), bits.data());
  const auto got = out.download();
  const auto words = bits.download();
  int wrong = 0;
  for (int i = 0; i < 16; ++i) {
    wrong += got[i].x != static_cast<float>(i + 10) || got[i].y != 1 || got[i].z != 2 ||
             got[i].w != static_cast<float>(3 * i);
    wrong += words[i].x != unsigned(i) || words[i].w != unsigned(i + 3);
  }
  CHECK(wrong == 0);
  CHECK(sizeof(float4) == 16);
  CHECK(alignof(float4) == 16);
  CHECK(alignof(float2) == 8);
  device_buffer<float> mixed(32);
  launch("retyped", retyped, {.grid = 1, .block = 32, .shared_bytes = 512}, mixed.data(), std::size_t{512});
  const auto pairs = mixed.download();
  for (int i = 0; i < 32; ++i) wrong += pairs[i] != (i % 2 == 0 ? 6 + 100 * 7 : 14 + 100 * 15);
  CHECK(wrong == 0);
}

namespace {

/// The last block to end adds up what all have left: __threadfence and an atomic ticket.
__global__ void last_block(float* out, float* partial, unsigned* ticket) {
  __shared__ bool last;
  if (threadIdx.x == 0) {
    partial[blockIdx.x] = static_cast<float>(blockIdx.x);
    __threadfence();
    last = atomicAdd(ticket, 1u) == gridDim.x - 1;
  }
  __syncthreads();
  if (last && threadIdx.x == 0) {
    float sum = 0;
    for (unsigned i = 0; i < gridDim.x; ++i) sum += partial[i];
    *out = sum;
  }
}

}  // namespace

TEST_CASE("simt: the last block finds what the others have left", "[simt]") {
  rung::simt::set_threads(3);
  for (int i = 0; i < 20; ++i) {
    device_buffer<float> out(1), partial(50);
    device_buffer<unsigned> ticket(std::vector<unsigned>{0});
    launch("last_block", last_block, {.grid = 50, .block = 33}, out.data(), partial.data(), ticket.data());
    CHECK(out.download()[0] == 1225);
  }
  rung::simt::set_threads(0);
}

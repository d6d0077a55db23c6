// What goes wrong in a kernel, and the exact words of the report. On the executor only: a GPU says less.

#include <cstring>
#include <memory>
#include <stdexcept>
#include <string>

#include "core/error.h"
#include "cuda/simt/device_description.h"
#include "cuda/simt/ptx.h"
#include "cuda/simt/simt.h"
#include "cuda/simt/wmma.h"
#include "tests/catch.h"

using rung::simt::device_buffer;
using rung::simt::dynamic_shared;
using rung::simt::Launch;
using rung::simt::launch;

namespace {

/// What launching it says.
template <typename... Parameters, typename... Arguments>
std::string report(void (*kernel)(Parameters...), const Launch& config, Arguments&&... arguments) {
  try {
    launch("k", kernel, config, arguments...);
  } catch (const rung::Error& e) {
    return e.what();
  }
  return "nothing";
}

/// The report's place: this file and a line.
std::string at(int line) {
  return "tests/cuda/simt/errors_test.cpp:" + std::to_string(line);
}

/// That the executor goes on as if nothing had been.
__global__ void count_threads(int* count) {
  __syncthreads();
  atomicAdd(count, __shfl_xor_sync(0xffffffffu, 1, 1));
  __syncthreads();
}

void check_it_goes_on() {
  device_buffer<int> count(std::vector<int>{0});
  launch("count", count_threads, {.grid = 3, .block = 256}, count.data());
  CHECK(count.download()[0] == 3 * 256);
}

}  // namespace

namespace deadlock {
constexpr int barrier_line = __LINE__ + 3, warp_line = __LINE__ + 5;
__global__ void kernel() {
  if (threadIdx.x < 32) {
    __syncthreads();
  } else if (threadIdx.x % 2 == 0) {
    __syncwarp(0xffffffffu);
  } else {
    __syncthreads_or(1);
  }
}
constexpr int only_barrier = __LINE__ + 3, only_warp = __LINE__ + 5;
__global__ void plain_kernel() {
  if (threadIdx.x != 33) {
    __syncthreads();
  } else {
    __syncwarp(0xffffffffu);
  }
}
}  // namespace deadlock

TEST_CASE("simt: a deadlock says who waits where", "[simt]") {
  // Thread 33 waits for its warp, whose other lanes wait at the barrier for thread 33.
  CHECK(report(deadlock::plain_kernel, {.grid = dim3(1, 2), .block = 64}) ==
        "kernel k, block (0, 0, 0): deadlock: threads 0-32, 34-63 wait at __syncthreads at " +
            at(deadlock::only_barrier) + "; thread 33 waits in __syncwarp with mask 0xffffffff at " +
            at(deadlock::only_warp));
  check_it_goes_on();
}

namespace barriers {
constexpr int first_line = __LINE__ + 3, second_line = __LINE__ + 5;
__global__ void kernel() {
  if (threadIdx.x == 0) {
    __syncthreads();
  } else {
    __syncthreads();
  }
}
}  // namespace barriers

TEST_CASE("simt: threads that meet at different barriers", "[simt]") {
  CHECK(report(barriers::kernel, {.grid = 1, .block = dim3(4, 2)}) ==
        "kernel k, block (0, 0, 0), thread (1, 0, 0), " + at(barriers::second_line) +
            ": threads meet at different barriers: __syncthreads at " + at(barriers::second_line) +
            ", but thread (0, 0, 0) waits at __syncthreads at " + at(barriers::first_line));
  CHECK(report(deadlock::kernel, {.grid = 1, .block = 64}) ==
        "kernel k, block (0, 0, 0), thread (33, 0, 0), " + at(deadlock::warp_line + 2) +
            ": threads meet at different barriers: __syncthreads_or at " + at(deadlock::warp_line + 2) +
            ", but thread (0, 0, 0) waits at __syncthreads at " + at(deadlock::barrier_line));
  check_it_goes_on();
}

namespace masks {
constexpr int without_line = __LINE__ + 2;
__global__ void without_itself(int* out) {
  out[threadIdx.x] = __shfl_sync(0x0000fffeu, out[threadIdx.x], 1);
}
constexpr int different_line = __LINE__ + 2;
__global__ void different(int* out) {
  out[threadIdx.x] = __any_sync(threadIdx.x < 4 ? 0xffu : 0xffffffffu, 1);
}
constexpr int low_line = __LINE__ + 3, high_line = __LINE__ + 5;
__global__ void two_operations(int* out) {
  if (threadIdx.x < 16) {
    out[threadIdx.x] = __shfl_down_sync(0xffffffffu, 1, 1);
  } else {
    out[threadIdx.x] = __shfl_up_sync(0xffffffffu, 1, 1);
  }
}
constexpr int outside_line = __LINE__ + 2;
__global__ void reads_outside(int* out) {
  if (threadIdx.x < 16) out[threadIdx.x] = __shfl_xor_sync(0x0000ffffu, 1, 16);
}
constexpr int partial_line = __LINE__ + 2;
__global__ void sums_a_partial_warp(int* out) {
  out[threadIdx.x] = __shfl_down_sync(0xffffffffu, 1, 8);
}
constexpr int width_line = __LINE__ + 2;
__global__ void odd_width(int* out) {
  out[threadIdx.x] = __shfl_sync(0xffffffffu, 1, 0, 12);
}
}  // namespace masks

TEST_CASE("simt: wrong masks", "[simt]") {
  device_buffer<int> out(64);
  CHECK(report(masks::without_itself, {.grid = 1, .block = 16}, out.data()) ==
        "kernel k, block (0, 0, 0), thread (0, 0, 0), " + at(masks::without_line) +
            ": __shfl_sync with mask 0x0000fffe, which does not name this lane, 0");
  CHECK(report(masks::different, {.grid = 1, .block = 32}, out.data()) ==
        "kernel k, block (0, 0, 0), thread (4, 0, 0), " + at(masks::different_line) +
            ": lanes of a warp wait for each other in different operations: __any_sync with mask 0xffffffff "
            "at " +
            at(masks::different_line) + ", but thread (0, 0, 0) in __any_sync with mask 0x000000ff at " +
            at(masks::different_line));
  CHECK(report(masks::two_operations, {.grid = 1, .block = 32}, out.data()) ==
        "kernel k, block (0, 0, 0), thread (16, 0, 0), " + at(masks::high_line) +
            ": lanes of a warp wait for each other in different operations: __shfl_up_sync with mask "
            "0xffffffff at " +
            at(masks::high_line) + ", but thread (0, 0, 0) in __shfl_down_sync with mask 0xffffffff at " +
            at(masks::low_line));
  CHECK(report(masks::reads_outside, {.grid = 1, .block = 32}, out.data()) ==
        "kernel k, block (0, 0, 0), thread (0, 0, 0), " + at(masks::outside_line) +
            ": __shfl_xor_sync reads lane 16, which does not take part (lanes 0x0000ffff): its value is "
            "undefined");
  CHECK(report(masks::sums_a_partial_warp, {.grid = 1, .block = 52}, out.data()) ==
        "kernel k, block (0, 0, 0), thread (44, 0, 0), " + at(masks::partial_line) +
            ": __shfl_down_sync reads lane 20, which does not take part (lanes 0x000fffff): its value is "
            "undefined");
  CHECK(report(masks::odd_width, {.grid = 1, .block = 32}, out.data()) ==
        "kernel k, block (0, 0, 0), thread (0, 0, 0), " + at(masks::width_line) +
            ": a shuffle of width 12; it must be a power of two up to 32");
  check_it_goes_on();
}

namespace whole_warps {
constexpr int partial_line = __LINE__ + 5, divergent_line = __LINE__ + 6;
__global__ void mma(bool divergent) {
  float d[4] = {};
  const unsigned a[4] = {}, b[2] = {};
  if (!divergent) {
    rung::ptx::mma_m16n8k16(d, a, b);
  } else if (threadIdx.x < 16) {
    rung::ptx::mma_m16n8k16(d, a, b);
  } else {
    rung::ptx::mma_m16n8k16(d, a, b);
  }
}
constexpr int row_line = __LINE__ + 4;
__global__ void ldmatrix_of_odd_row() {
  __shared__ __align__(16) half tile[16][20];
  unsigned r[2];
  rung::ptx::ldmatrix_x2(r, tile[threadIdx.x % 16]);
}
constexpr int copy_line = __LINE__ + 3;
__global__ void copies_between_odd_addresses(const float* in) {
  __shared__ __align__(16) float tile[8];
  rung::ptx::cp_async16(tile, in + 1);
}
constexpr int wmma_line = __LINE__ + 4;
__global__ void wmma_of_odd_rows(const half* in) {
  using namespace nvcuda;
  wmma::fragment<wmma::matrix_a, 16, 16, 16, half, wmma::row_major> a;
  wmma::load_matrix_sync(a, in, 20);
}
constexpr int atomic_line = __LINE__ + 2;
__global__ void atomic_between_words(int* out) {
  atomicAdd(reinterpret_cast<int*>(reinterpret_cast<char*>(out) + 2), 1);
}
}  // namespace whole_warps

TEST_CASE("simt: tensor cores want whole warps and aligned rows", "[simt]") {
  CHECK(report(whole_warps::mma, {.grid = 1, .block = 40}, false) ==
        "kernel k, block (0, 0, 0), thread (32, 0, 0), " + at(whole_warps::partial_line) +
            ": mma.m16n8k16 (fp16) needs all 32 lanes of a warp; the block has no lanes 8-31");
  CHECK(report(whole_warps::mma, {.grid = 1, .block = 32}, true) ==
        "kernel k, block (0, 0, 0), thread (16, 0, 0), " + at(whole_warps::divergent_line + 3) +
            ": lanes of a warp wait for each other in different operations: mma.m16n8k16 (fp16) with mask "
            "0xffffffff at " +
            at(whole_warps::divergent_line + 3) +
            ", but thread (0, 0, 0) in mma.m16n8k16 (fp16) with mask 0xffffffff at " +
            at(whole_warps::divergent_line + 1));
  CHECK(report(whole_warps::ldmatrix_of_odd_row, {.grid = 1, .block = 32}) ==
        "kernel k, block (0, 0, 0), thread (1, 0, 0), " + at(whole_warps::row_line) +
            ": ldmatrix.x2 of a row whose address is not a multiple of 16");
  device_buffer<float> in(16);
  CHECK(report(whole_warps::copies_between_odd_addresses, {.grid = 1, .block = 1}, in.data()) ==
        "kernel k, block (0, 0, 0), thread (0, 0, 0), " + at(whole_warps::copy_line) +
            ": cp.async of 16 bytes between addresses that are not multiples of 16");
  device_buffer<half> halves(512);
  CHECK(report(whole_warps::wmma_of_odd_rows, {.grid = 1, .block = 32}, halves.data()) ==
        "kernel k, block (0, 0, 0), thread (0, 0, 0), " + at(whole_warps::wmma_line) +
            ": wmma: a leading dimension of 20 elements of 2 bytes is not a multiple of 16 bytes");
  device_buffer<int> out(4);
  CHECK(report(whole_warps::atomic_between_words, {.grid = 1, .block = 1}, out.data()) ==
        "kernel k, block (0, 0, 0), thread (0, 0, 0), " + at(whole_warps::atomic_line) +
            ": an atomic operation on an address that is not a multiple of 4");
  check_it_goes_on();
}

namespace crashes {
__global__ void throws(int who) {
  __syncthreads();
  if (static_cast<int>(threadIdx.x) == who) throw std::out_of_range("row 7 of 5");
  __syncthreads();
}
constexpr int write_line = __LINE__ + 5;
__global__ void writes_to_nowhere(float* where) {
  const std::unique_ptr<int> held(threadIdx.x != 5 ? new int(1) : nullptr);  // thread 5 cannot give it back
  __syncthreads();
  if (threadIdx.x == 5) {
    *where = 1;
  }
  __syncthreads();
}
__attribute__((noinline)) int too_deep(volatile int* held, int depth) {
  volatile int more[256] = {};
  more[depth % 256] = *held;
  return depth == 0 ? 0 : too_deep(more, depth - 1) + more[0];
}
__global__ void recurses() {
  volatile int start[1] = {1};
  too_deep(start, 100000);
}
/// How many of these live.
int living = 0;
struct Counted {
  Counted() { ++living; }
  ~Counted() { --living; }
  Counted(const Counted&) = delete;
  Counted& operator=(const Counted&) = delete;
};
__global__ void holds_something() {
  const Counted held;
  __syncthreads();
  if (threadIdx.x == 40) __syncwarp(1);
  __syncthreads();
}
}  // namespace crashes

TEST_CASE("simt: an exception in a kernel, and what its threads hold", "[simt]") {
  CHECK(report(crashes::throws, {.grid = 2, .block = 96}, 70) ==
        "kernel k, block (0, 0, 0), thread (70, 0, 0): an exception: row 7 of 5");
  check_it_goes_on();
  rung::simt::set_threads(1);
  CHECK(report(crashes::holds_something, {.grid = 2, .block = 64}) != "nothing");
  rung::simt::set_threads(0);
  CHECK(crashes::living == 0);
  check_it_goes_on();
}

TEST_CASE("simt: a crash in a kernel", "[simt]") {
  CHECK(report(crashes::writes_to_nowhere, {.grid = 1, .block = 64}, reinterpret_cast<float*>(16)) ==
        "kernel k, block (0, 0, 0), thread (5, 0, 0), " + at(crashes::write_line) +
            ": segmentation fault at address 0x10");
  check_it_goes_on();
  CHECK_THAT(report(crashes::recurses, {.grid = 2, .block = 3}),
             ContainsSubstring("block (0, 0, 0), thread (0, 0, 0)") && ContainsSubstring("KiB is full"));
  check_it_goes_on();
}

TEST_CASE("simt: the first block that fails is the one that is reported, however many OS threads there are",
          "[simt]") {
  struct Kernel {
    static void fails_from(int block) {
      __syncthreads();
      if (static_cast<int>(blockIdx.x) >= block) throw std::runtime_error("here");
    }
  };
  for (const unsigned count : {1u, 2u, 5u}) {
    rung::simt::set_threads(count);
    for (int i = 0; i < 20; ++i) {
      CHECK(report(Kernel::fails_from, {.grid = 40, .block = 33}, 7) ==
            "kernel k, block (7, 0, 0), thread (32, 0, 0): an exception: here");
    }
  }
  rung::simt::set_threads(0);
}

namespace limits {
__global__ void none() {}
__global__ void __launch_bounds__(100) hundred() {}
template <int warps>
__global__ void __launch_bounds__(32 * warps, 2) warps_of() {}
__global__ void much_static(float* out) {
  __shared__ float tile[12300];
  tile[threadIdx.x] = 1;
  __syncthreads();
  out[threadIdx.x] = tile[threadIdx.x + 1];
}
__global__ void some_static(float* out) {
  __shared__ float tile[1024], more[1024];
  tile[threadIdx.x] = 1;
  more[threadIdx.x] = dynamic_shared<float>()[threadIdx.x];
  __syncthreads();
  out[threadIdx.x] = tile[threadIdx.x + 1] + more[threadIdx.x + 1];
}
}  // namespace limits

TEST_CASE("simt: the device's limits", "[simt]") {
  using namespace limits;
  CHECK(report(none, {.grid = 1, .block = dim3(32, 33)}) ==
        "kernel k, grid (1, 1, 1), block (32, 33, 1): 1056 threads a block; a device takes at most 1024");
  CHECK(report(none, {.grid = 1, .block = dim3(1, 1, 65)}) ==
        "kernel k, grid (1, 1, 1), block (1, 1, 65): a block's extents are at most (1024, 1024, 64)");
  CHECK(report(none, {.grid = 0, .block = 32}) ==
        "kernel k, grid (0, 1, 1), block (32, 1, 1): the grid has no blocks");
  CHECK(report(none, {.grid = 1, .block = dim3(32, 0)}) ==
        "kernel k, grid (1, 1, 1), block (32, 0, 1): the block has no threads");
  CHECK(report(none, {.grid = dim3(1, 65536), .block = 1}) ==
        "kernel k, grid (1, 65536, 1), block (1, 1, 1): a grid's extents are at most (2147483647, 65535, "
        "65535)");
  CHECK(report(none, {.grid = 1, .block = 1024}) == "nothing");
  const std::size_t kib = 1024;
  CHECK(report(none, {.grid = 1, .block = 1, .shared_bytes = 163 * kib}) == "nothing");
  CHECK(report(none, {.grid = 1, .block = 1, .shared_bytes = 163 * kib + 1}) ==
        "kernel k, grid (1, 1, 1), block (1, 1, 1): 166913 bytes of dynamic shared memory and 0 of static; a "
        "block of NVIDIA "
        "A100-SXM4-40GB can have at most 166912");
  rung::simt::set_device(rung::simt::device_description("rtx4090"));
  CHECK(report(none, {.grid = 1, .block = 1, .shared_bytes = 99 * kib + 1}) != "nothing");
  rung::simt::set_device(rung::simt::device_description("h100"));
  CHECK(report(none, {.grid = 1, .block = 1, .shared_bytes = 227 * kib}) == "nothing");
  rung::simt::set_device(rung::simt::device_description("a100"));
  CHECK_THROWS_WITH(rung::simt::device_description("a200"),
                    "no device 'a200' is described; there are: a100, rtx4090, h100");
}

TEST_CASE("simt: launch bounds", "[simt]") {
  using namespace limits;
  CHECK(report(hundred, {.grid = 1, .block = 100}) == "nothing");
  CHECK(report(warps_of<2>, {.grid = 1, .block = 64}) == "nothing");
  CHECK(report(warps_of<32>, {.grid = 1, .block = 1024}) == "nothing");
#if defined(__GNUC__) && !defined(__clang__)
  CHECK(report(hundred, {.grid = 1, .block = 101}) ==
        "kernel k, grid (1, 1, 1), block (101, 1, 1): 101 threads a block; its __launch_bounds__ allows 100");
  CHECK(report(warps_of<2>, {.grid = 1, .block = 65}) ==
        "kernel k, grid (1, 1, 1), block (65, 1, 1): 65 threads a block; its __launch_bounds__ allows 64");
#endif
}

TEST_CASE("simt: static shared memory counts", "[simt]") {
  using namespace limits;
  device_buffer<float> out(32);
  CHECK(report(much_static, {.grid = 1, .block = 32}, out.data()) ==
        "kernel k, grid (1, 1, 1), block (32, 1, 1): 49200 bytes of static shared memory; a kernel can have "
        "at most 49152");
  const std::size_t kib = 1024;
  CHECK(report(some_static, {.grid = 1, .block = 32, .shared_bytes = 155 * kib}, out.data()) == "nothing");
  CHECK(report(some_static, {.grid = 1, .block = 32, .shared_bytes = 155 * kib + 4}, out.data()) ==
        "kernel k, grid (1, 1, 1), block (32, 1, 1): 158724 bytes of dynamic shared memory and 8192 of "
        "static; a block of "
        "NVIDIA A100-SXM4-40GB can have at most 166912");
}

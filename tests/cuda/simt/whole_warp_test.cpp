// Operations that need all 32 lanes, and those of the lanes that are left, where lanes have returned: before the others
// come, after them, and both. On the executor only: on a GPU the former are undefined.

#include <string>
#include <vector>

#include "core/error.h"
#include "cuda/simt/ptx.h"
#include "cuda/simt/simt.h"
#include "cuda/simt/wmma.h"
#include "tests/catch.h"

using rung::simt::device_buffer;
using rung::simt::launch;
namespace ptx = rung::ptx;
namespace wmma = nvcuda::wmma;

namespace {

/// What the operations work on. Each lane has its own.
struct Registers {
  float sums[4] = {};
  int whole_sums[4] = {};
  unsigned four[4] = {}, two[2] = {}, one[1] = {};
  wmma::fragment<wmma::matrix_a, 16, 16, 16, half, wmma::row_major> a;
  wmma::fragment<wmma::matrix_b, 16, 16, 16, half, wmma::col_major> b;
  wmma::fragment<wmma::accumulator, 16, 16, 16, float> c;
};

alignas(32) half numbers[32][8];
alignas(32) float results[256];

bool is_among(unsigned lanes) {
  return (lanes >> threadIdx.x % 32 & 1) != 0;
}

/// A kernel whose lanes `lanes` do one operation; the others return.
struct Operation {
  std::string name;
  int line;
  void (*kernel)(unsigned lanes);
};

// On one line each, so that the operation's line is the entry's.
#define OPERATION(name, call)            \
  Operation {                            \
    name, __LINE__, [](unsigned lanes) { \
      Registers r;                       \
      if (is_among(lanes)) call;         \
    }                                    \
  }
// clang-format off
const std::vector<Operation> operations = {
    OPERATION("mma.m16n8k16 (fp16)", ptx::mma_m16n8k16(r.sums, r.four, r.two)),
    OPERATION("mma.m16n8k16 (bf16)", ptx::mma_m16n8k16_bf16(r.sums, r.four, r.two)),
    OPERATION("mma.m16n8k32 (s8)", ptx::mma_m16n8k32_s8(r.whole_sums, r.four, r.two)),
    OPERATION("ldmatrix.x4", ptx::ldmatrix_x4(r.four, numbers[threadIdx.x % 32])),
    OPERATION("ldmatrix.x4.trans", ptx::ldmatrix_x4_trans(r.four, numbers[threadIdx.x % 32])),
    OPERATION("ldmatrix.x2", ptx::ldmatrix_x2(r.two, numbers[threadIdx.x % 32])),
    OPERATION("ldmatrix.x2.trans", ptx::ldmatrix_x2_trans(r.two, numbers[threadIdx.x % 32])),
    OPERATION("ldmatrix.x1", ptx::ldmatrix_x1(r.one, numbers[threadIdx.x % 32])),
    OPERATION("ldmatrix.x1.trans", ptx::ldmatrix_x1_trans(r.one, numbers[threadIdx.x % 32])),
    OPERATION("wmma::mma_sync", wmma::mma_sync(r.c, r.a, r.b, r.c)),
    OPERATION("wmma::load_matrix_sync", wmma::load_matrix_sync(r.a, numbers[0], 16)),
    OPERATION("wmma::load_matrix_sync", wmma::load_matrix_sync(r.c, results, 16, wmma::mem_row_major)),
    OPERATION("wmma::store_matrix_sync", wmma::store_matrix_sync(results, r.c, 16, wmma::mem_row_major)),
};
// clang-format on
#undef OPERATION

template <typename... Parameters, typename... Arguments>
std::string report(void (*kernel)(Parameters...), unsigned threads, Arguments... arguments) {
  try {
    launch("k", kernel, {.grid = 1, .block = threads}, arguments...);
  } catch (const rung::Error& e) {
    return e.what();
  }
  return "nothing";
}

std::string told(int thread, int line, const std::string& what) {
  return "kernel k, block (0, 0, 0), thread (" + std::to_string(thread) +
         ", 0, 0), tests/cuda/simt/whole_warp_test.cpp:" + std::to_string(line) + ": " + what;
}

}  // namespace

TEST_CASE("simt: an operation of a whole warp says which lanes are missing", "[simt]") {
  for (const Operation& operation : operations) {
    CAPTURE(operation.name, operation.line);
    const auto check = [&](unsigned threads, unsigned lanes, int first, const std::string& missing) {
      CHECK(report(operation.kernel, threads, lanes) ==
            told(first, operation.line, operation.name + " needs all 32 lanes of a warp; " + missing));
    };
    check(32, 0x00000001, 0, "lanes 1-31 have returned");  // if (lane == 0) …: they return after it has come
    check(32, 0x0fffffff, 0, "lanes 28-31 have returned");  // if (lane >= 28) return;
    check(32, 0x7fffffff, 0, "lane 31 has returned");
    check(32, 0xfffffff0, 4, "lanes 0-3 have returned");  // before the others come
    check(32, 0x80000000, 31, "lanes 0-30 have returned");
    check(32, 0x00ff0000, 16, "lanes 0-15, 24-31 have returned");  // both
    check(40, 0xffffffff, 32, "the block has no lanes 8-31");
    check(40, 0xffffff7f, 0, "lane 7 has returned");
    check(31, 0xffffffff, 0, "the block has no lane 31");
    check(16, 0x00007ffe, 1, "lanes 0, 15 have returned, and the block has no lanes 16-31");
    CHECK(report(operation.kernel, 64, 0xffffffffu) == "nothing");
    CHECK(report(operation.kernel, 64, 0u) == "nothing");
  }
}

namespace {
__global__ void vote(unsigned lanes, unsigned* ballots) {
  if (is_among(lanes)) ballots[threadIdx.x] = __ballot_sync(0xffffffffu, 1);
}
constexpr int shuffle_line = __LINE__ + 2;
__global__ void shuffle(unsigned lanes, unsigned* sums) {
  if (is_among(lanes)) sums[threadIdx.x] = __shfl_xor_sync(0xffffffffu, threadIdx.x, 1);
}
}  // namespace

TEST_CASE("simt: votes and shuffles are among the lanes that have not returned, before or after", "[simt]") {
  device_buffer<unsigned> out(32);
  for (const unsigned lanes : {0x00000003u, 0x0fffffffu, 0xfffffff0u, 0x00ff0000u, 0xc0000000u}) {
    CAPTURE(lanes);
    REQUIRE(report(vote, 32, lanes, out.data()) == "nothing");
    const std::vector<unsigned> ballots = out.download();
    REQUIRE(report(shuffle, 32, lanes, out.data()) == "nothing");
    const std::vector<unsigned> shuffled = out.download();
    for (unsigned lane = 0; lane < 32; ++lane) {
      if ((lanes >> lane & 1) == 0) continue;
      CHECK(ballots[lane] == lanes);
      CHECK(shuffled[lane] == (lane ^ 1));
    }
  }
  const auto check = [&](unsigned lanes, int thread, const std::string& what) {
    CHECK(report(shuffle, 32, lanes, out.data()) ==
          told(thread, shuffle_line, "__shfl_xor_sync reads lane " + what + ": its value is undefined"));
  };
  check(0x00000001, 0, "1, which does not take part (lanes 0x00000001)");
  check(0x7fffffff, 30, "31, which does not take part (lanes 0x7fffffff)");
  check(0xfffffffe, 1, "0, which does not take part (lanes 0xfffffffe)");
  check(0x00fe0000, 17, "16, which does not take part (lanes 0x00fe0000)");
}

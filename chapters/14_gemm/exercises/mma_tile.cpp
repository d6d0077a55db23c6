// Exercise 14.3: one instruction of a tensor core. What mma_tile must do stands in chapters/14_gemm/mma_tile.h.
//
// This file takes the place of chapters/14_gemm/mma_tile.cpp, so it must define what that one does. The launch and
// pair_at are given.

#include "chapters/14_gemm/mma_tile.h"

#include "core/error.h"
#include "cuda/simt/ptx.h"

namespace rung {
namespace {

/// Two neighbouring halves as a register holds them, the first in the lower bits. `numbers` is at a multiple of 4 bytes.
[[maybe_unused]] __device__ unsigned pair_at(const half* numbers) {
  return *reinterpret_cast<const unsigned*>(numbers);
}

__global__ void __launch_bounds__(32) mma_tile_kernel(const half* a, const half* w, float* c) {
  // Four registers of a, two of w, ptx::mma_m16n8k16(sums, a_pairs, w_pairs), four sums to c.
}

}  // namespace

void mma_tile(const half* a, const half* w, float* c) {
  throw Error(ErrorKind::bad_input,
              "mma_tile is not written yet: chapters/14_gemm/exercises/README.md, exercise 14.3");
  simt::launch("mma_tile", mma_tile_kernel, {.block = dim3(32)}, a, w, c);
}

}  // namespace rung

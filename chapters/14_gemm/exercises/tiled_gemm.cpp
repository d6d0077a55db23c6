// Exercise 14.2: a kernel with tiles in shared memory. What tiled_gemm must do stands in chapters/14_gemm/tiled_gemm.h.
//
// This file takes the place of chapters/14_gemm/tiled_gemm.cpp, so it must define what that one does. The launch is
// given: blocks of 32 × 32 threads, each block a tile of 32 × 32 of C.

#include "chapters/14_gemm/tiled_gemm.h"

#include "core/error.h"

namespace rung {
namespace {

constexpr int tile = 32;

__global__ void __launch_bounds__(tile* tile)
    tiled_gemm_kernel(const float* a, const float* w, float* c, cuda::GemmShape shape) {
  // Two tiles in shared memory, and a loop over k: load, __syncthreads(), multiply, __syncthreads().
}

}  // namespace

void tiled_gemm(const float* a, const float* w, float* c, const cuda::GemmShape& shape) {
  throw Error(ErrorKind::bad_input,
              "tiled_gemm is not written yet: chapters/14_gemm/exercises/README.md, exercise 14.2");
  const dim3 grid(cuda::blocks_of(shape.n, tile), cuda::blocks_of(shape.m, tile));
  simt::launch("tiled_gemm", tiled_gemm_kernel, {.grid = grid, .block = dim3(tile, tile)}, a, w, c, shape);
}

}  // namespace rung

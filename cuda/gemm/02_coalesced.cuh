#pragma once

// GEMM: C[m, n] = A[m, k] · W[n, k]ᵀ, all row-major, sums in fp32.
//
// What this rung changes (coalesced): a warp computes one number of C, its lanes side by side along k.
//
// The rows of A and of W both lie along k, so this is the direction in which 32 threads find 32 neighbouring numbers:
// 4 sectors a load in fp32, all of them used. The lanes' sums are then added with five shuffles.

#include "cuda/gemm/shape.h"

namespace rung::cuda::gemm_02 {

constexpr int tile_rows = 1;  // of C, that a block computes
constexpr int tile_columns = 8;

template <typename T>
__global__ void __launch_bounds__(256)
    gemm_02_kernel(const T* __restrict__ a, const T* __restrict__ w, T* __restrict__ c, GemmShape shape) {
  const int lane = threadIdx.x;
  const int row = blockIdx.y * tile_rows;
  const int column = blockIdx.x * tile_columns + threadIdx.y;
  if (column >= shape.n) return;  // a warp leaves as a whole

  const T* a_row = row_of(a, row, shape.a_stride);     // [k]
  const T* w_row = row_of(w, column, shape.w_stride);  // [k]
  float sum = 0;
  for (int k = lane; k < shape.k; k += warpSize) sum += to_float(a_row[k]) * to_float(w_row[k]);
  for (int apart = warpSize / 2; apart > 0; apart /= 2) sum += __shfl_xor_sync(0xffffffff, sum, apart);
  if (lane == 0) row_of(c, row, shape.c_stride)[column] = from_float<T>(sum);
}

template <typename T>
void run(const T* a, const T* w, T* c, const GemmShape& shape) {
  const dim3 grid(blocks_of(shape.n, tile_columns), blocks_of(shape.m, tile_rows));
  simt::launch("gemm_02", gemm_02_kernel<T>, {.grid = grid, .block = dim3(32, tile_columns)}, a, w, c, shape);
}

}  // namespace rung::cuda::gemm_02

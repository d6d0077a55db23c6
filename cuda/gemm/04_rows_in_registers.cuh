#pragma once

// GEMM: C[m, n] = A[m, k] · W[n, k]ᵀ, all row-major, sums in fp32.
//
// What this rung changes (rows in registers): a thread computes 8 numbers of C, below each other, and keeps their
// sums in registers.
//
// What it reads of W serves 8 products instead of one: 9 loads from shared memory for 8 products, where rung 03 has 16.
// The tile of C grows to 64 × 64, which halves what is read from memory.

#include "cuda/gemm/shape.h"

namespace rung::cuda::gemm_04 {

constexpr int tile_rows = 64;  // of C, that a block computes
constexpr int tile_columns = 64;
constexpr int tile_depth = 16;  // of k, that is in shared memory at a time
constexpr int thread_rows = 8;  // of C, that a thread computes
constexpr int threads = tile_rows / thread_rows * tile_columns;

template <typename T>
__global__ void __launch_bounds__(threads)
    gemm_04_kernel(const T* __restrict__ a, const T* __restrict__ w, T* __restrict__ c, GemmShape shape) {
  __shared__ T a_tile[tile_rows][tile_depth];
  __shared__ T w_tile[tile_columns][tile_depth];
  const int thread = threadIdx.x;
  const int x = thread % tile_columns;                // this thread's column of the tile of C
  const int y = thread / tile_columns * thread_rows;  // and its first row
  const int first_row = blockIdx.y * tile_rows;
  const int first_column = blockIdx.x * tile_columns;

  float sums[thread_rows] = {};
  for (int first_k = 0; first_k < shape.k; first_k += tile_depth) {
    // A thread brings every 512th number of each; outside the matrices there are zeros.
    for (int i = thread; i < tile_rows * tile_depth; i += threads) {
      const int r = i / tile_depth;
      const int d = i % tile_depth;
      const int k = first_k + d;
      const bool inside = first_row + r < shape.m && k < shape.k;
      a_tile[r][d] = inside ? row_of(a, first_row + r, shape.a_stride)[k] : from_float<T>(0);
    }
    for (int i = thread; i < tile_columns * tile_depth; i += threads) {
      const int r = i / tile_depth;
      const int d = i % tile_depth;
      const int k = first_k + d;
      const bool inside = first_column + r < shape.n && k < shape.k;
      w_tile[r][d] = inside ? row_of(w, first_column + r, shape.w_stride)[k] : from_float<T>(0);
    }
    __syncthreads();  // both tiles are complete

#pragma unroll
    for (int d = 0; d < tile_depth; ++d) {
      const float w_number = to_float(w_tile[x][d]);
#pragma unroll
      for (int i = 0; i < thread_rows; ++i) sums[i] += to_float(a_tile[y + i][d]) * w_number;
    }
    __syncthreads();  // nobody reads them any more
  }

  const int column = first_column + x;
#pragma unroll
  for (int i = 0; i < thread_rows; ++i) {
    const int row = first_row + y + i;
    if (row < shape.m && column < shape.n) row_of(c, row, shape.c_stride)[column] = from_float<T>(sums[i]);
  }
}

template <typename T>
void run(const T* a, const T* w, T* c, const GemmShape& shape) {
  const dim3 grid(blocks_of(shape.n, tile_columns), blocks_of(shape.m, tile_rows));
  simt::launch("gemm_04", gemm_04_kernel<T>, {.grid = grid, .block = dim3(threads)}, a, w, c, shape);
}

}  // namespace rung::cuda::gemm_04

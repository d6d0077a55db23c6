#pragma once

// GEMM: C[m, n] = A[m, k] · W[n, k]ᵀ, all row-major, sums in fp32.
//
// What this rung changes (squares in registers): a thread computes 8 × 8 numbers of C.
//
// 16 loads from shared memory now serve 64 products, one for every 4. The tile of C grows to 128 × 128, which halves
// what is read from memory again. A thread's columns are 16 apart, and so are its rows: at every step the 16 threads of
// one y read 16 neighbouring rows of `w_tile`, and write 16 neighbouring numbers of C.

#include "cuda/gemm/shape.h"

namespace rung::cuda::gemm_05 {

constexpr int tile_rows = 128;  // of C, that a block computes
constexpr int tile_columns = 128;
constexpr int tile_depth = 16;  // of k, that is in shared memory at a time
constexpr int thread_rows = 8;  // of C, that a thread computes
constexpr int thread_columns = 8;
constexpr int threads_x = tile_columns / thread_columns;
constexpr int threads_y = tile_rows / thread_rows;
constexpr int threads = threads_x * threads_y;

template <typename T>
__global__ void __launch_bounds__(threads, 2)
    gemm_05_kernel(const T* __restrict__ a, const T* __restrict__ w, T* __restrict__ c, GemmShape shape) {
  __shared__ T a_tile[tile_rows][tile_depth];
  __shared__ T w_tile[tile_columns][tile_depth];
  const int thread = threadIdx.x;
  const int x = thread % threads_x;  // this thread's first column of the tile of C
  const int y = thread / threads_x;  // and its first row
  const int first_row = blockIdx.y * tile_rows;
  const int first_column = blockIdx.x * tile_columns;

  float sums[thread_rows][thread_columns] = {};
  for (int first_k = 0; first_k < shape.k; first_k += tile_depth) {
    // A thread brings every 256th number of each; outside the matrices there are zeros.
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

#pragma unroll 4  // all 16 steps at once take too many registers
    for (int d = 0; d < tile_depth; ++d) {
      // [products]
      float a_numbers[thread_rows];
#pragma unroll
      for (int i = 0; i < thread_rows; ++i) a_numbers[i] = to_float(a_tile[y + i * threads_y][d]);
#pragma unroll
      for (int j = 0; j < thread_columns; ++j) {
        const float w_number = to_float(w_tile[x + j * threads_x][d]);
#pragma unroll
        for (int i = 0; i < thread_rows; ++i) sums[i][j] += a_numbers[i] * w_number;
      }
      // [products]
    }
    __syncthreads();  // nobody reads them any more
  }

#pragma unroll
  for (int i = 0; i < thread_rows; ++i) {
#pragma unroll
    for (int j = 0; j < thread_columns; ++j) {
      const int row = first_row + y + i * threads_y;
      const int column = first_column + x + j * threads_x;
      if (row < shape.m && column < shape.n)
        row_of(c, row, shape.c_stride)[column] = from_float<T>(sums[i][j]);
    }
  }
}

template <typename T>
void run(const T* a, const T* w, T* c, const GemmShape& shape) {
  const dim3 grid(blocks_of(shape.n, tile_columns), blocks_of(shape.m, tile_rows));
  simt::launch("gemm_05", gemm_05_kernel<T>, {.grid = grid, .block = dim3(threads)}, a, w, c, shape);
}

}  // namespace rung::cuda::gemm_05

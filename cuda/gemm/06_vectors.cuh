#pragma once

// GEMM: C[m, n] = A[m, k] · W[n, k]ᵀ, all row-major, sums in fp32.
//
// What this rung changes (vectors): everything moves 16 bytes at a time, from memory and from shared memory.
//
// A quarter of the load instructions in fp32, an eighth in fp16. A tile is 64 bytes deep: 4 chunks of 16 bytes a row.
// A matrix whose rows do not start at multiples of 16 bytes is read number by number, as before.

#include "cuda/gemm/chunk.h"

namespace rung::cuda::gemm_06 {

constexpr int tile_rows = 128;  // of C, that a block computes
constexpr int tile_columns = 128;
constexpr int tile_chunks = 4;  // of 16 bytes along k, that are in shared memory at a time
constexpr int thread_rows = 8;  // of C, that a thread computes
constexpr int thread_columns = 8;
constexpr int threads_x = tile_columns / thread_columns;
constexpr int threads_y = tile_rows / thread_rows;
constexpr int threads = threads_x * threads_y;

template <typename T>
__global__ void __launch_bounds__(threads, sizeof(T) == 4 ? 2 : 1)
    gemm_06_kernel(const T* __restrict__ a, const T* __restrict__ w, T* __restrict__ c, GemmShape shape) {
  __shared__ uint4 a_tile[tile_rows][tile_chunks];
  __shared__ uint4 w_tile[tile_columns][tile_chunks];
  const int thread = threadIdx.x;
  const int x = thread % threads_x;  // this thread's first column of the tile of C
  const int y = thread / threads_x;  // and its first row
  const int first_row = blockIdx.y * tile_rows;
  const int first_column = blockIdx.x * tile_columns;
  const bool a_aligned = rows_are_aligned(a, shape.a_stride);
  const bool w_aligned = rows_are_aligned(w, shape.w_stride);
  const int chunks = blocks_of(shape.k, per_chunk<T>);

  float sums[thread_rows][thread_columns] = {};
  for (int first_chunk = 0; first_chunk < chunks; first_chunk += tile_chunks) {
    // A thread brings every 256th chunk of each; outside the matrices there are zeros.
    for (int i = thread; i < tile_rows * tile_chunks; i += threads) {
      const int r = i / tile_chunks;
      const int d = i % tile_chunks;
      const int k = first_row + r < shape.m ? shape.k : 0;
      a_tile[r][d] = load_chunk(row_of(a, first_row + r, shape.a_stride), first_chunk + d, k, a_aligned);
    }
    for (int i = thread; i < tile_columns * tile_chunks; i += threads) {
      const int r = i / tile_chunks;
      const int d = i % tile_chunks;
      const int k = first_column + r < shape.n ? shape.k : 0;
      w_tile[r][d] = load_chunk(row_of(w, first_column + r, shape.w_stride), first_chunk + d, k, w_aligned);
    }
    __syncthreads();  // both tiles are complete

#pragma unroll 1  // or the compiler holds all four steps in registers, and has too few
    for (int d = 0; d < tile_chunks; ++d) {
      uint4 a_chunks[thread_rows];
#pragma unroll
      for (int i = 0; i < thread_rows; ++i) a_chunks[i] = a_tile[y + i * threads_y][d];
#pragma unroll
      for (int j = 0; j < thread_columns; ++j) {
        const uint4 w_chunk = w_tile[x + j * threads_x][d];
#pragma unroll
        for (int i = 0; i < thread_rows; ++i) sums[i][j] = add_products<T>(sums[i][j], a_chunks[i], w_chunk);
      }
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
  simt::launch("gemm_06", gemm_06_kernel<T>, {.grid = grid, .block = dim3(threads)}, a, w, c, shape);
}

}  // namespace rung::cuda::gemm_06

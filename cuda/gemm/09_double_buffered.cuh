#pragma once

// GEMM: C[m, n] = A[m, k] · W[n, k]ᵀ, all row-major, sums in fp32.
//
// What this rung changes (double buffered): while the threads multiply one pair of tiles, the next pair is on its
// way.
//
// There are two buffers. cp.async copies 16 bytes from memory to shared memory, past the registers, and the thread goes
// on at once; it waits before the tiles are used, one round later. wait<1> leaves the youngest group of copies, the next
// pair, on its way.

#include "cuda/gemm/chunk.h"
#include "cuda/gemm/copy_chunk.h"
#include "cuda/gemm/swizzle.h"

namespace rung::cuda::gemm_09 {

constexpr int tile_rows = 128;  // of C, that a block computes
constexpr int tile_columns = 128;
constexpr int tile_chunks = 4;  // of 16 bytes along k, that are in a buffer
constexpr int buffers = 2;
constexpr int thread_rows = 8;  // of C, that a thread computes
constexpr int thread_columns = 8;
constexpr int threads_x = tile_columns / thread_columns;
constexpr int threads_y = tile_rows / thread_rows;
constexpr int threads = threads_x * threads_y;

template <typename T>
__global__ void __launch_bounds__(threads, sizeof(T) == 4 ? 2 : 1)
    gemm_09_kernel(const T* __restrict__ a, const T* __restrict__ w, T* __restrict__ c, GemmShape shape) {
  __shared__ uint4 a_tile[buffers][tile_rows][tile_chunks];
  __shared__ uint4 w_tile[buffers][tile_columns][tile_chunks];
  const int thread = threadIdx.x;
  const int x = thread % threads_x;  // this thread's first column of the tile of C
  const int y = thread / threads_x;  // and its first row
  const int first_row = blockIdx.y * tile_rows;
  const int first_column = blockIdx.x * tile_columns;
  const bool a_aligned = rows_are_aligned(a, shape.a_stride);
  const bool w_aligned = rows_are_aligned(w, shape.w_stride);
  const int chunks = blocks_of(shape.k, per_chunk<T>);

  // Sends for a pair of tiles, as one group of copies; behind the end of k that group is empty. A thread asks for every
  // 256th chunk of each tile; outside the matrices there are zeros.
  const auto fetch = [&](int buffer, int first_chunk) {
    for (int i = thread; first_chunk < chunks && i < tile_rows * tile_chunks; i += threads) {
      const int r = i / tile_chunks;
      const int d = i % tile_chunks;
      const int k = first_row + r < shape.m ? shape.k : 0;
      copy_chunk(&a_tile[buffer][r][swizzled(r, d)], a, first_row + r, shape.a_stride, first_chunk + d, k,
                 a_aligned);
    }
    for (int i = thread; first_chunk < chunks && i < tile_columns * tile_chunks; i += threads) {
      const int r = i / tile_chunks;
      const int d = i % tile_chunks;
      const int k = first_column + r < shape.n ? shape.k : 0;
      copy_chunk(&w_tile[buffer][r][swizzled(r, d)], w, first_column + r, shape.w_stride, first_chunk + d, k,
                 w_aligned);
    }
    ptx::cp_async_commit();
  };

  float sums[thread_rows][thread_columns] = {};
  fetch(0, 0);
  int buffer = 0;
  for (int first_chunk = 0; first_chunk < chunks; first_chunk += tile_chunks) {
    fetch(1 - buffer, first_chunk + tile_chunks);
    ptx::cp_async_wait<1>();  // this thread's part of the older pair has come
    __syncthreads();          // and everybody else's

#pragma unroll 1  // or the compiler holds all four steps in registers, and has too few
    for (int d = 0; d < tile_chunks; ++d) {
      uint4 a_chunks[thread_rows];
#pragma unroll
      for (int i = 0; i < thread_rows; ++i) {
        const int r = y + i * threads_y;
        a_chunks[i] = a_tile[buffer][r][swizzled(r, d)];
      }
#pragma unroll
      for (int j = 0; j < thread_columns; ++j) {
        const int r = x + j * threads_x;
        const uint4 w_chunk = w_tile[buffer][r][swizzled(r, d)];
#pragma unroll
        for (int i = 0; i < thread_rows; ++i) sums[i][j] = add_products<T>(sums[i][j], a_chunks[i], w_chunk);
      }
    }
    __syncthreads();  // nobody reads them any more
    buffer = 1 - buffer;
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
  simt::launch("gemm_09", gemm_09_kernel<T>, {.grid = grid, .block = dim3(threads)}, a, w, c, shape);
}

}  // namespace rung::cuda::gemm_09

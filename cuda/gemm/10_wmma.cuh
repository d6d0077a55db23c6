#pragma once

// GEMM: C[m, n] = A[m, k] · W[n, k]ᵀ, all row-major, sums in fp32.
//
// What this rung changes (wmma): a warp multiplies 16 × 16 × 16 numbers with one instruction of the tensor cores.
//
// The buffers are filled as in rung 09. Where a fragment's numbers are, in which lane and register, is the compiler's
// secret, so it loads and stores fragments itself, from rows at equal distances: no swizzle, but the padding of rung
// 07. For the same reason C goes through shared memory on its way out.

#include "cuda/gemm/copy_chunk.h"
#include "cuda/gemm/store_chunk.h"
#include "cuda/simt/wmma.h"

namespace rung::cuda::gemm_10 {

constexpr int tile_rows = 128;  // of C, that a block computes
constexpr int tile_columns = 128;
constexpr int tile_chunks = 4;               // of 16 bytes along k, that are in a buffer
constexpr int row_chunks = tile_chunks + 1;  // from one row of a tile to the next
constexpr int buffers = 2;
constexpr int warp_rows = 64;  // of C, that a warp computes
constexpr int warp_columns = 32;
constexpr int warps_x = tile_columns / warp_columns;
constexpr int warps_y = tile_rows / warp_rows;
constexpr int threads = 32 * warps_x * warps_y;
constexpr int side = 16;  // of a fragment

template <typename T>
__global__ void __launch_bounds__(threads, 2)
    gemm_10_kernel(const T* __restrict__ a, const T* __restrict__ w, T* __restrict__ c, GemmShape shape) {
  using namespace nvcuda;
  __shared__ __align__(32) uint4 a_tile[buffers][tile_rows][row_chunks];
  __shared__ __align__(32) uint4 w_tile[buffers][tile_columns][row_chunks];
  const int thread = threadIdx.x;
  const int lane = thread % 32;
  const int x = thread / 32 % warps_x * warp_columns;  // this warp's first column of the tile of C
  const int y = thread / 32 / warps_x * warp_rows;     // and its first row
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
      copy_chunk(&a_tile[buffer][r][d], a, first_row + r, shape.a_stride, first_chunk + d, k, a_aligned);
    }
    for (int i = thread; first_chunk < chunks && i < tile_columns * tile_chunks; i += threads) {
      const int r = i / tile_chunks;
      const int d = i % tile_chunks;
      const int k = first_column + r < shape.n ? shape.k : 0;
      copy_chunk(&w_tile[buffer][r][d], w, first_column + r, shape.w_stride, first_chunk + d, k, w_aligned);
    }
    ptx::cp_async_commit();
  };

  wmma::fragment<wmma::accumulator, side, side, side, float> sums[warp_rows / side][warp_columns / side];
#pragma unroll
  for (auto& row : sums) {
#pragma unroll
    for (auto& sum : row) wmma::fill_fragment(sum, 0.0F);
  }
  fetch(0, 0);
  int buffer = 0;
  for (int first_chunk = 0; first_chunk < chunks; first_chunk += tile_chunks) {
    fetch(1 - buffer, first_chunk + tile_chunks);
    ptx::cp_async_wait<1>();  // this thread's part of the older pair has come
    __syncthreads();          // and everybody else's

#pragma unroll
    for (int d = 0; d < tile_chunks; d += side / per_chunk<T>) {
      constexpr int stride = row_chunks * per_chunk<T>;
      wmma::fragment<wmma::matrix_a, side, side, side, T, wmma::row_major> a_fragments[warp_rows / side];
#pragma unroll
      for (int i = 0; i < warp_rows / side; ++i) {
        const auto* from = reinterpret_cast<const T*>(&a_tile[buffer][y + i * side][d]);
        wmma::load_matrix_sync(a_fragments[i], from, stride);
      }
#pragma unroll
      for (int j = 0; j < warp_columns / side; ++j) {
        // A row of the tile is a column of Wᵀ.
        wmma::fragment<wmma::matrix_b, side, side, side, T, wmma::col_major> w_fragment;
        const auto* from = reinterpret_cast<const T*>(&w_tile[buffer][x + j * side][d]);
        wmma::load_matrix_sync(w_fragment, from, stride);
#pragma unroll
        for (int i = 0; i < warp_rows / side; ++i)
          wmma::mma_sync(sums[i][j], a_fragments[i], w_fragment, sums[i][j]);
      }
    }
    __syncthreads();  // nobody reads them any more
    buffer = 1 - buffer;
  }

  // Each warp lays down a fragment in its own place of what was the first buffer; a lane then takes 8 numbers of a row.
  auto* const place = reinterpret_cast<float*>(&a_tile[0][0][0]) + thread / 32 * side * side;  // [side][side]
  const bool c_aligned = rows_are_aligned(c, shape.c_stride);
#pragma unroll
  for (int i = 0; i < warp_rows / side; ++i) {
#pragma unroll
    for (int j = 0; j < warp_columns / side; ++j) {
      wmma::store_matrix_sync(place, sums[i][j], side, wmma::mem_row_major);
      __syncwarp();
      T numbers[per_chunk<T>];
#pragma unroll
      for (int e = 0; e < per_chunk<T>; ++e) numbers[e] = from_float<T>(place[lane * per_chunk<T> + e]);
      const int row = first_row + y + i * side + lane / 2;
      const int column = first_column + x + j * side + lane % 2 * per_chunk<T>;
      if (row < shape.m) store_chunk(row_of(c, row, shape.c_stride), column, shape.n, numbers, c_aligned);
      __syncwarp();  // before the next fragment takes this one's place
    }
  }
}

/// For fp16 and bf16.
template <typename T>
requires(sizeof(T) == 2) void run(const T* a, const T* w, T* c, const GemmShape& shape) {
  const dim3 grid(blocks_of(shape.n, tile_columns), blocks_of(shape.m, tile_rows));
  simt::launch("gemm_10", gemm_10_kernel<T>, {.grid = grid, .block = dim3(threads)}, a, w, c, shape);
}

}  // namespace rung::cuda::gemm_10

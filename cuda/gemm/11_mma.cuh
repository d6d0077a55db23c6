#pragma once

// GEMM: C[m, n] = A[m, k] · W[n, k]ᵀ, all row-major, sums in fp32.
//
// What this rung changes (mma): the tensor core's own instruction, whose layout is documented, fed by ldmatrix from
// swizzled tiles, in a pipeline of three buffers.
//
// ldmatrix takes an address per row of 16 bytes, so the tiles can be swizzled again: no padding, no conflict. With three
// buffers two pairs of tiles are on their way, and one barrier a round is enough: it says that the next pair has come
// and also that nobody reads the one before any more, whose buffer is then filled again. C leaves straight from the
// registers: four lanes that hold parts of four chunks of a row exchange them, until each has one whole.

#include "cuda/gemm/copy_chunk.h"
#include "cuda/gemm/mma.h"
#include "cuda/gemm/quad.h"
#include "cuda/gemm/store_chunk.h"

namespace rung::cuda::gemm_11 {

constexpr int tile_rows = 128;  // of C, that a block computes
constexpr int tile_columns = 128;
constexpr int tile_chunks = 4;  // of 16 bytes along k, that are in a buffer
constexpr int buffers = 3;
constexpr int warp_rows = 64;  // of C, that a warp computes
constexpr int warp_columns = 32;
constexpr int warps_x = tile_columns / warp_columns;
constexpr int warps_y = tile_rows / warp_rows;
constexpr int threads = 32 * warps_x * warps_y;
constexpr int mma_rows = 16;  // of C, that an instruction computes
constexpr int mma_columns = 8;

using Tile = uint4[tile_rows][tile_chunks];
static_assert(tile_rows == tile_columns);

template <typename T>
__global__ void __launch_bounds__(threads, 2)
    gemm_11_kernel(const T* __restrict__ a, const T* __restrict__ w, T* __restrict__ c, GemmShape shape) {
  Tile* const a_tile = simt::dynamic_shared<Tile>();  // [buffers]
  Tile* const w_tile = a_tile + buffers;              // [buffers]
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

  float sums[warp_rows / mma_rows][warp_columns / mma_columns][4] = {};
  for (int ahead = 0; ahead < buffers - 1; ++ahead) fetch(ahead, ahead * tile_chunks);
  int buffer = 0;
  for (int first_chunk = 0; first_chunk < chunks; first_chunk += tile_chunks) {
    // [round]
    ptx::cp_async_wait<buffers - 2>();  // this thread's part of the oldest pair has come
    __syncthreads();                    // and everybody else's; the pair before it is read no more
    fetch((buffer + buffers - 1) % buffers, first_chunk + (buffers - 1) * tile_chunks);

#pragma unroll
    for (int d = 0; d < tile_chunks; d += 2) {
      unsigned a_fragments[warp_rows / mma_rows][4];
#pragma unroll
      for (int i = 0; i < warp_rows / mma_rows; ++i)
        load_a(a_fragments[i], a_tile[buffer], y + i * mma_rows, d, lane);
#pragma unroll
      for (int j = 0; j < warp_columns / mma_columns; j += 2) {
        unsigned w_fragments[2][2];
        load_two_w(w_fragments, w_tile[buffer], x + j * mma_columns, d, lane);
#pragma unroll
        for (int i = 0; i < warp_rows / mma_rows; ++i) {
          multiply<T>(sums[i][j], a_fragments[i], w_fragments[0]);
          multiply<T>(sums[i][j + 1], a_fragments[i], w_fragments[1]);
        }
      }
    }
    buffer = (buffer + 1) % buffers;
    // [round]
  }

  // Lane 4g + t holds numbers 2t and 2t + 1 of four chunks of row g, and after the exchange all of chunk t.
  const bool c_aligned = rows_are_aligned(c, shape.c_stride);
#pragma unroll
  for (int i = 0; i < warp_rows / mma_rows; ++i) {
#pragma unroll
    for (int lower = 0; lower < 2; ++lower) {
      unsigned pairs[4];
#pragma unroll
      for (int j = 0; j < 4; ++j) pairs[j] = packed<T>(sums[i][j][2 * lower], sums[i][j][2 * lower + 1]);
      transpose_in_quad(pairs, lane % 4);
      T numbers[per_chunk<T>];
      memcpy(numbers, pairs, sizeof(numbers));
      const int row = first_row + y + i * mma_rows + lower * 8 + lane / 4;
      const int column = first_column + x + lane % 4 * per_chunk<T>;
      if (row < shape.m) store_chunk(row_of(c, row, shape.c_stride), column, shape.n, numbers, c_aligned);
    }
  }
}

/// For fp16 and bf16.
template <typename T>
requires(sizeof(T) == 2) void run(const T* a, const T* w, T* c, const GemmShape& shape) {
  const dim3 grid(blocks_of(shape.n, tile_columns), blocks_of(shape.m, tile_rows));
  simt::launch("gemm_11", gemm_11_kernel<T>,
               {.grid = grid, .block = dim3(threads), .shared_bytes = 2 * buffers * sizeof(Tile)}, a, w, c,
               shape);
}

}  // namespace rung::cuda::gemm_11

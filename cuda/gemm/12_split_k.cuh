#pragma once

// GEMM: C[m, n] = A[m, k] · W[n, k]ᵀ, all row-major, sums in fp32.
//
// What this rung changes (split-K): several blocks share the sum over k of one tile of C, for when C is too small
// to employ the device.
//
// A decode step multiplies one row, or a few: with tiles of 128 × 128 there are n / 128 blocks, and a device has a
// hundred multiprocessors. Here a tile is 16 × 64, and k is cut into parts. Each block writes its part's sums, in fp32,
// to its own place; a second kernel adds them, always in the same order, and rounds once. No atomics, so the same
// inputs give the same bits every time.

#include "cuda/gemm/copy_chunk.h"
#include "cuda/gemm/mma.h"
#include "cuda/gemm/parts.h"

namespace rung::cuda::gemm_12 {

constexpr int tile_rows = part_tile_rows;
constexpr int tile_columns = part_tile_columns;
constexpr int tile_chunks = part_tile_chunks;
constexpr int buffers = 4;
constexpr int warp_columns = 16;  // of C, that a warp computes
constexpr int threads = 32 * tile_columns / warp_columns;

using RowTile = uint4[tile_rows][tile_chunks];
using ColumnTile = uint4[tile_columns][tile_chunks];

/// @param sums  [parts, m, sums_stride] fp32
template <typename T>
__global__ void __launch_bounds__(threads)
    gemm_12_kernel(const T* __restrict__ a, const T* __restrict__ w, float* __restrict__ sums_of_parts,
                   int sums_stride, int part_chunks, GemmShape shape) {
  __shared__ RowTile a_tile[buffers];
  __shared__ ColumnTile w_tile[buffers];
  const int thread = threadIdx.x;
  const int lane = thread % 32;
  const int x = thread / 32 * warp_columns;  // this warp's first column of the tile of C
  const int part = blockIdx.z;
  const int first_row = blockIdx.y * tile_rows;
  const int first_column = blockIdx.x * tile_columns;
  const bool a_aligned = rows_are_aligned(a, shape.a_stride);
  const bool w_aligned = rows_are_aligned(w, shape.w_stride);
  const int end = min((part + 1) * part_chunks, blocks_of(shape.k, per_chunk<T>));  // of this part, in chunks

  // Sends for a pair of tiles, as one group of copies; behind the end of the part that group is empty.
  const auto fetch = [&](int buffer, int first_chunk) {
    for (int i = thread; first_chunk < end && i < tile_rows * tile_chunks; i += threads) {
      const int r = i / tile_chunks;
      const int d = i % tile_chunks;
      const int k = first_row + r < shape.m ? shape.k : 0;
      copy_chunk(&a_tile[buffer][r][swizzled(r, d)], a, first_row + r, shape.a_stride, first_chunk + d, k,
                 a_aligned);
    }
    for (int i = thread; first_chunk < end && i < tile_columns * tile_chunks; i += threads) {
      const int r = i / tile_chunks;
      const int d = i % tile_chunks;
      const int k = first_column + r < shape.n ? shape.k : 0;
      copy_chunk(&w_tile[buffer][r][swizzled(r, d)], w, first_column + r, shape.w_stride, first_chunk + d, k,
                 w_aligned);
    }
    ptx::cp_async_commit();
  };

  float sums[2][4] = {};
  const int begin = part * part_chunks;
  for (int ahead = 0; ahead < buffers - 1; ++ahead) fetch(ahead, begin + ahead * tile_chunks);
  int buffer = 0;
  for (int first_chunk = begin; first_chunk < end; first_chunk += tile_chunks) {
    ptx::cp_async_wait<buffers - 2>();  // this thread's part of the oldest pair has come
    __syncthreads();                    // and everybody else's; the pair before it is read no more
    fetch((buffer + buffers - 1) % buffers, first_chunk + (buffers - 1) * tile_chunks);

#pragma unroll
    for (int d = 0; d < tile_chunks; d += 2) {
      unsigned a_fragment[4];
      load_a(a_fragment, a_tile[buffer], 0, d, lane);
      unsigned w_fragments[2][2];
      load_two_w(w_fragments, w_tile[buffer], x, d, lane);
      multiply<T>(sums[0], a_fragment, w_fragments[0]);
      multiply<T>(sums[1], a_fragment, w_fragments[1]);
    }
    buffer = (buffer + 1) % buffers;
  }

  // Lane 4g + t holds columns 2t and 2t + 1 of row g, then of row g + 8: 32 bytes of a row for the four of a quad.
#pragma unroll
  for (int j = 0; j < 2; ++j) {
#pragma unroll
    for (int lower = 0; lower < 2; ++lower) {
      const int row = first_row + lower * 8 + lane / 4;
      const int column = first_column + x + j * 8 + lane % 4 * 2;
      float* to = row_of(sums_of_parts, part * shape.m + row, sums_stride) + column;
      if (row < shape.m)
        *reinterpret_cast<float2*>(to) = make_float2(sums[j][2 * lower], sums[j][2 * lower + 1]);
    }
  }
}

template <typename T>
__global__ void __launch_bounds__(256)
    gemm_12_add_kernel(const float* __restrict__ sums_of_parts, T* __restrict__ c, int sums_stride, int parts,
                       GemmShape shape) {
  const int column = blockIdx.x * 256 + threadIdx.x;
  const int row = blockIdx.y;
  if (column >= shape.n) return;
  float sum = 0;
  for (int part = 0; part < parts; ++part)
    sum += row_of(sums_of_parts, part * shape.m + row, sums_stride)[column];
  row_of(c, row, shape.c_stride)[column] = from_float<T>(sum);
}

/// For fp16 and bf16. Allocates what holds the parts' sums; a model would do that once.
template <typename T>
requires(sizeof(T) == 2) void run(const T* a, const T* w, T* c, const GemmShape& shape) {
  const Parts parts = parts_of(shape.m, shape.n, blocks_of(shape.k, per_chunk<T>));
  const int sums_stride = blocks_of(shape.n, tile_columns) * tile_columns;  // whole tiles: nothing to guard
  simt::device_buffer<float> sums(static_cast<std::size_t>(parts.count) * shape.m * sums_stride);
  const dim3 grid(blocks_of(shape.n, tile_columns), blocks_of(shape.m, tile_rows), parts.count);
  simt::launch("gemm_12", gemm_12_kernel<T>, {.grid = grid, .block = dim3(threads)}, a, w, sums.data(),
               sums_stride, parts.chunks, shape);
  simt::launch("gemm_12_add", gemm_12_add_kernel<T>,
               {.grid = dim3(blocks_of(shape.n, 256), shape.m), .block = dim3(256)}, sums.data(), c,
               sums_stride, parts.count, shape);
}

}  // namespace rung::cuda::gemm_12

#pragma once

// GEMM: C[m, n] = A[m, k] · W[n, k]ᵀ, all row-major, sums in fp32.
//
// What this rung changes (shared tiles): a block brings a tile of A and a tile of W into shared memory, and its
// 1024 threads use each number 32 times from there.
//
// A thread loads two numbers for 32 products: memory is read 16 times less often than there are products. But the lanes of a warp now read `w_tile` in 32 different
// rows of 32 words, all in the same bank: 32 wavefronts for one load. Rung 07 looks after that.

#include "cuda/gemm/shape.h"

namespace rung::cuda::gemm_03 {

constexpr int tile_rows = 32;  // of C, that a block computes
constexpr int tile_columns = 32;
constexpr int tile_depth = 32;  // of k, that is in shared memory at a time

template <typename T>
__global__ void __launch_bounds__(1024)
    gemm_03_kernel(const T* __restrict__ a, const T* __restrict__ w, T* __restrict__ c, GemmShape shape) {
  __shared__ T a_tile[tile_rows][tile_depth];
  __shared__ T w_tile[tile_columns][tile_depth];
  const int x = threadIdx.x;  // this thread's column of the tile of C
  const int y = threadIdx.y;  // and its row
  const int first_row = blockIdx.y * tile_rows;
  const int first_column = blockIdx.x * tile_columns;

  float sum = 0;
  for (int first_k = 0; first_k < shape.k; first_k += tile_depth) {
    // A thread brings one number of each; outside the matrices there are zeros.
    const int k = first_k + x;
    const bool a_inside = first_row + y < shape.m && k < shape.k;
    const bool w_inside = first_column + y < shape.n && k < shape.k;
    a_tile[y][x] = a_inside ? row_of(a, first_row + y, shape.a_stride)[k] : from_float<T>(0);
    w_tile[y][x] = w_inside ? row_of(w, first_column + y, shape.w_stride)[k] : from_float<T>(0);
    __syncthreads();  // both tiles are complete

#pragma unroll
    for (int d = 0; d < tile_depth; ++d) sum += to_float(a_tile[y][d]) * to_float(w_tile[x][d]);
    __syncthreads();  // nobody reads them any more
  }

  const int row = first_row + y;
  const int column = first_column + x;
  if (row < shape.m && column < shape.n) row_of(c, row, shape.c_stride)[column] = from_float<T>(sum);
}

template <typename T>
void run(const T* a, const T* w, T* c, const GemmShape& shape) {
  const dim3 grid(blocks_of(shape.n, tile_columns), blocks_of(shape.m, tile_rows));
  simt::launch("gemm_03", gemm_03_kernel<T>, {.grid = grid, .block = dim3(tile_columns, tile_rows)}, a, w, c,
               shape);
}

}  // namespace rung::cuda::gemm_03

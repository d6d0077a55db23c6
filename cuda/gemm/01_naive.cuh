#pragma once

// GEMM: C[m, n] = A[m, k] · W[n, k]ᵀ, all row-major, sums in fp32.
//
// What this rung changes (naive): a thread computes one number of C, alone.
//
// Neighbouring threads compute neighbouring rows, so at every step the 32 threads of a warp read A in 32 different
// rows: 32 sectors of 32 bytes for 128 bytes that are wanted. And every block reads all it needs from memory again.

#include "cuda/gemm/shape.h"

namespace rung::cuda::gemm_01 {

constexpr int tile_rows = 32;  // of C, that a block computes
constexpr int tile_columns = 8;

template <typename T>
__global__ void __launch_bounds__(256)
    gemm_01_kernel(const T* __restrict__ a, const T* __restrict__ w, T* __restrict__ c, GemmShape shape) {
  const int row = blockIdx.x * tile_rows + threadIdx.x;
  const int column = blockIdx.y * tile_columns + threadIdx.y;
  if (row >= shape.m || column >= shape.n) return;

  const T* a_row = row_of(a, row, shape.a_stride);     // [k]
  const T* w_row = row_of(w, column, shape.w_stride);  // [k]
  float sum = 0;
  for (int k = 0; k < shape.k; ++k) sum += to_float(a_row[k]) * to_float(w_row[k]);
  row_of(c, row, shape.c_stride)[column] = from_float<T>(sum);
}

template <typename T>
void run(const T* a, const T* w, T* c, const GemmShape& shape) {
  const dim3 grid(blocks_of(shape.m, tile_rows), blocks_of(shape.n, tile_columns));
  simt::launch("gemm_01", gemm_01_kernel<T>, {.grid = grid, .block = dim3(tile_rows, tile_columns)}, a, w, c,
               shape);
}

}  // namespace rung::cuda::gemm_01

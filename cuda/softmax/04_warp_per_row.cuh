#pragma once

// softmax: y = exp(x) / sum of exp(x), row by row; the largest x is subtracted first, so that no exp overflows.
//
// What this rung changes: one warp per row, four rows in a block. What its 32 lanes hold is merged by shuffles alone: no
// shared memory, and no barrier at which three warps wait for the slowest.

#include "cuda/numbers.h"
#include "cuda/reduce.h"
#include "cuda/softmax/softmax.h"

namespace rung::cuda {

inline constexpr int softmax_04_threads = 128;

template <typename T>
__global__ void __launch_bounds__(softmax_04_threads)
    softmax_04_kernel(T* y, const T* x, SoftmaxShape shape) {
  constexpr int rows_of_block = softmax_04_threads / lanes_in_warp;
  const int r = blockIdx.x * rows_of_block + threadIdx.x / lanes_in_warp;
  const int lane = threadIdx.x % lanes_in_warp;
  if (r >= shape.rows) return;  // a whole warp at once, and there is no barrier to miss
  const T* const x_row = x + 1LL * r * shape.x_stride;
  T* const y_row = y + 1LL * r * shape.y_stride;

  MaxSum own;
  for (int i = lane; i < shape.n; i += lanes_in_warp) own = merged(own, {to_float(x_row[i]), 1});

  const MaxSum all = warp_merged(own);

  for (int i = lane; i < shape.n; i += lanes_in_warp) {
    y_row[i] = from_float<T>(weight_of(to_float(x_row[i]), all));
  }
}

template <typename T>
void softmax_04(T* y, const T* x, SoftmaxShape shape) {
  constexpr int rows_of_block = softmax_04_threads / lanes_in_warp;
  const dim3 grid((shape.rows + rows_of_block - 1) / rows_of_block);
  simt::launch("softmax_04", softmax_04_kernel<T>, {.grid = grid, .block = dim3(softmax_04_threads)}, y, x,
               shape);
}

}  // namespace rung::cuda

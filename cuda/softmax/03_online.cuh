#pragma once

// softmax: y = exp(x) / sum of exp(x), row by row; the largest x is subtracted first, so that no exp overflows.
//
// What this rung changes: maximum and sum in one pass (online softmax, Milakov and Gimelshein 2018). A thread keeps the
// maximum of what it has seen and the sum that refers to it; when the maximum grows, the sum is multiplied by
// exp(old - new). Two such pairs can be merged in the same way, so that they can be reduced like a sum. Two passes over x.

#include "cuda/numbers.h"
#include "cuda/reduce.h"
#include "cuda/softmax/softmax.h"

namespace rung::cuda {

inline constexpr int softmax_03_threads = 128;

template <typename T>
__global__ void __launch_bounds__(softmax_03_threads)
    softmax_03_kernel(T* y, const T* x, SoftmaxShape shape) {
  constexpr int warps = softmax_03_threads / lanes_in_warp;
  const T* const x_row = x + 1LL * blockIdx.x * shape.x_stride;
  T* const y_row = y + 1LL * blockIdx.x * shape.y_stride;

  MaxSum own;
  for (int i = threadIdx.x; i < shape.n; i += softmax_03_threads) own = merged(own, {to_float(x_row[i]), 1});

  own = warp_merged(own);
  __shared__ float max_of_warp[warps];
  __shared__ float sum_of_warp[warps];
  if (threadIdx.x % lanes_in_warp == 0) {
    max_of_warp[threadIdx.x / lanes_in_warp] = own.max;
    sum_of_warp[threadIdx.x / lanes_in_warp] = own.sum;
  }
  __syncthreads();
  MaxSum all;
  for (int warp = 0; warp < warps; ++warp) all = merged(all, {max_of_warp[warp], sum_of_warp[warp]});

  for (int i = threadIdx.x; i < shape.n; i += softmax_03_threads) {
    y_row[i] = from_float<T>(weight_of(to_float(x_row[i]), all));
  }
}

template <typename T>
void softmax_03(T* y, const T* x, SoftmaxShape shape) {
  const dim3 grid(shape.rows);
  simt::launch("softmax_03", softmax_03_kernel<T>, {.grid = grid, .block = dim3(softmax_03_threads)}, y, x,
               shape);
}

}  // namespace rung::cuda

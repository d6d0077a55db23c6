#pragma once

// softmax: y = exp(x) / sum of exp(x), row by row; the largest x is subtracted first, so that no exp overflows.
//
// What this rung changes: one block per row. Its threads read side by side, and maximum and sum are found by shuffles
// within warps and shared memory between them. Still three passes over x.

#include "cuda/numbers.h"
#include "cuda/reduce.h"
#include "cuda/softmax/softmax.h"

namespace rung::cuda {

inline constexpr int softmax_02_threads = 128;

template <typename T>
__global__ void __launch_bounds__(softmax_02_threads)
    softmax_02_kernel(T* y, const T* x, SoftmaxShape shape) {
  const T* const x_row = x + 1LL * blockIdx.x * shape.x_stride;
  T* const y_row = y + 1LL * blockIdx.x * shape.y_stride;
  MaxSum all;

  float max = -INFINITY;
  for (int i = threadIdx.x; i < shape.n; i += softmax_02_threads) max = fmaxf(max, to_float(x_row[i]));
  all.max = block_max<softmax_02_threads>(max);

  float sum = 0;
  if (all.max > -INFINITY) {
    for (int i = threadIdx.x; i < shape.n; i += softmax_02_threads) sum += expf(to_float(x_row[i]) - all.max);
  }
  all.sum = block_sum<softmax_02_threads>(sum);

  for (int i = threadIdx.x; i < shape.n; i += softmax_02_threads) {
    y_row[i] = from_float<T>(weight_of(to_float(x_row[i]), all));
  }
}

template <typename T>
void softmax_02(T* y, const T* x, SoftmaxShape shape) {
  const dim3 grid(shape.rows);
  simt::launch("softmax_02", softmax_02_kernel<T>, {.grid = grid, .block = dim3(softmax_02_threads)}, y, x,
               shape);
}

}  // namespace rung::cuda

#pragma once

// softmax: y = exp(x) / sum of exp(x), row by row; the largest x is subtracted first, so that no exp overflows.
//
// What this rung does: one thread per row, in three passes: the maximum, the sum, the result. The 32 threads of a warp are
// in 32 different rows at any moment: 32 sectors for 32 numbers, three times.

#include "cuda/numbers.h"
#include "cuda/softmax/softmax.h"

namespace rung::cuda {

inline constexpr int softmax_01_threads = 32;

template <typename T>
__global__ void __launch_bounds__(softmax_01_threads)
    softmax_01_kernel(T* y, const T* x, SoftmaxShape shape) {
  const int r = blockIdx.x * softmax_01_threads + threadIdx.x;
  if (r < shape.rows) {
    const T* const x_row = x + 1LL * r * shape.x_stride;
    T* const y_row = y + 1LL * r * shape.y_stride;
    MaxSum all;
    for (int i = 0; i < shape.n; ++i) all.max = fmaxf(all.max, to_float(x_row[i]));
    if (all.max > -INFINITY) {
      for (int i = 0; i < shape.n; ++i) all.sum += expf(to_float(x_row[i]) - all.max);
    }
    for (int i = 0; i < shape.n; ++i) y_row[i] = from_float<T>(weight_of(to_float(x_row[i]), all));
  }
}

template <typename T>
void softmax_01(T* y, const T* x, SoftmaxShape shape) {
  const dim3 grid((shape.rows + softmax_01_threads - 1) / softmax_01_threads);
  simt::launch("softmax_01", softmax_01_kernel<T>, {.grid = grid, .block = dim3(softmax_01_threads)}, y, x,
               shape);
}

}  // namespace rung::cuda

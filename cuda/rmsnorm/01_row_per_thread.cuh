#pragma once

// RMSNorm: y = weight · x / sqrt(mean(x²) + eps), row by row (Zhang and Sennrich 2019).
//
// What this rung does: one thread per row, as a CPU would. The sum is a loop. The 32 threads of a warp are in 32 different
// rows at any moment: 32 sectors for 32 numbers. And a prompt of 100 tokens keeps 100 threads busy, on a device that
// has tens of thousands.

#include "cuda/numbers.h"
#include "cuda/rmsnorm/rmsnorm.h"

namespace rung::cuda {

inline constexpr int rmsnorm_01_threads = 32;

template <typename T>
__global__ void __launch_bounds__(rmsnorm_01_threads)
    rmsnorm_01_kernel(T* y, const T* x, const T* weight, RmsNormShape shape) {
  const int r = blockIdx.x * rmsnorm_01_threads + threadIdx.x;
  if (r < shape.rows) {
    const T* const x_row = x + 1LL * r * shape.x_stride;
    T* const y_row = y + 1LL * r * shape.y_stride;
    float squares = 0;
    for (int i = 0; i < shape.n; ++i) {
      const float number = to_float(x_row[i]);
      squares += number * number;
    }
    const float inverse = 1 / sqrtf(squares / static_cast<float>(shape.n) + shape.eps);
    for (int i = 0; i < shape.n; ++i) {
      y_row[i] = from_float<T>(to_float(x_row[i]) * inverse * to_float(weight[i]));
    }
  }
}

template <typename T>
void rmsnorm_01(T* y, const T* x, const T* weight, RmsNormShape shape) {
  const dim3 grid((shape.rows + rmsnorm_01_threads - 1) / rmsnorm_01_threads);
  simt::launch("rmsnorm_01", rmsnorm_01_kernel<T>, {.grid = grid, .block = dim3(rmsnorm_01_threads)}, y, x,
               weight, shape);
}

}  // namespace rung::cuda

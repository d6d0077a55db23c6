#pragma once

// RMSNorm: y = weight · x / sqrt(mean(x²) + eps), row by row (Zhang and Sennrich 2019).
//
// What this rung changes: a warp adds up its 32 sums by shuffles, from register to register (warp_sum), and only one number
// per warp goes through shared memory (block_sum): one barrier instead of eight.

#include "cuda/numbers.h"
#include "cuda/reduce.h"
#include "cuda/rmsnorm/rmsnorm.h"

namespace rung::cuda {

inline constexpr int rmsnorm_03_threads = 128;

template <typename T>
__global__ void __launch_bounds__(rmsnorm_03_threads)
    rmsnorm_03_kernel(T* y, const T* x, const T* weight, RmsNormShape shape) {
  const T* const x_row = x + 1LL * blockIdx.x * shape.x_stride;
  T* const y_row = y + 1LL * blockIdx.x * shape.y_stride;
  float squares = 0;
  for (int i = threadIdx.x; i < shape.n; i += rmsnorm_03_threads) {
    const float number = to_float(x_row[i]);
    squares += number * number;
  }

  const float sum = block_sum<rmsnorm_03_threads>(squares);

  const float inverse = 1 / sqrtf(sum / static_cast<float>(shape.n) + shape.eps);
  for (int i = threadIdx.x; i < shape.n; i += rmsnorm_03_threads) {
    y_row[i] = from_float<T>(to_float(x_row[i]) * inverse * to_float(weight[i]));
  }
}

template <typename T>
void rmsnorm_03(T* y, const T* x, const T* weight, RmsNormShape shape) {
  const dim3 grid(shape.rows);
  simt::launch("rmsnorm_03", rmsnorm_03_kernel<T>, {.grid = grid, .block = dim3(rmsnorm_03_threads)}, y, x,
               weight, shape);
}

}  // namespace rung::cuda

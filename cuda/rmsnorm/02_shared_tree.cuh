#pragma once

// RMSNorm: y = weight · x / sqrt(mean(x²) + eps), row by row (Zhang and Sennrich 2019).
//
// What this rung changes: one block per row. Its threads read the row side by side, each adds up its own squares, and a
// tree in shared memory adds up the threads' sums: in every step, half as many threads add the other half's sums to their
// own. A barrier stands between a step's writes and the next step's reads.

#include "cuda/numbers.h"
#include "cuda/rmsnorm/rmsnorm.h"

namespace rung::cuda {

inline constexpr int rmsnorm_02_threads = 128;  // a power of two, for the tree

template <typename T>
__global__ void __launch_bounds__(rmsnorm_02_threads)
    rmsnorm_02_kernel(T* y, const T* x, const T* weight, RmsNormShape shape) {
  const T* const x_row = x + 1LL * blockIdx.x * shape.x_stride;
  T* const y_row = y + 1LL * blockIdx.x * shape.y_stride;
  float squares = 0;
  for (int i = threadIdx.x; i < shape.n; i += rmsnorm_02_threads) {
    const float number = to_float(x_row[i]);
    squares += number * number;
  }

  // [tree]
  __shared__ float of_thread[rmsnorm_02_threads];
  of_thread[threadIdx.x] = squares;
  __syncthreads();
  for (unsigned half = rmsnorm_02_threads / 2; half > 0; half /= 2) {
    if (threadIdx.x < half) of_thread[threadIdx.x] += of_thread[threadIdx.x + half];
    __syncthreads();
  }
  // [tree]

  const float inverse = 1 / sqrtf(of_thread[0] / static_cast<float>(shape.n) + shape.eps);
  for (int i = threadIdx.x; i < shape.n; i += rmsnorm_02_threads) {
    y_row[i] = from_float<T>(to_float(x_row[i]) * inverse * to_float(weight[i]));
  }
}

template <typename T>
void rmsnorm_02(T* y, const T* x, const T* weight, RmsNormShape shape) {
  const dim3 grid(shape.rows);
  simt::launch("rmsnorm_02", rmsnorm_02_kernel<T>, {.grid = grid, .block = dim3(rmsnorm_02_threads)}, y, x,
               weight, shape);
}

}  // namespace rung::cuda

#pragma once

// y = a + b: the sum with which every layer of a transformer ends (x + attention(x)).
//
// What this rung changes: neighbouring threads take neighbouring columns. The 32 numbers that a warp loads at once lie
// side by side, four full sectors of fp32 numbers (two of fp16): the request is coalesced.

#include "cuda/add/add.h"
#include "cuda/numbers.h"

namespace rung::cuda {

inline constexpr int add_02_threads = 128;

template <typename T>
__global__ void __launch_bounds__(add_02_threads)
    add_02_kernel(T* y, const T* a, const T* b, AddShape shape) {
  const int r = blockIdx.x;
  const int i = blockIdx.y * add_02_threads + threadIdx.x;
  if (i < shape.n) {
    const float sum = to_float(a[1LL * r * shape.a_stride + i]) + to_float(b[1LL * r * shape.b_stride + i]);
    y[1LL * r * shape.y_stride + i] = from_float<T>(sum);
  }
}

template <typename T>
void add_02(T* y, const T* a, const T* b, AddShape shape) {
  constexpr int columns = add_02_threads;  // of a block
  const dim3 grid(shape.rows, (shape.n + columns - 1) / columns);
  simt::launch("add_02", add_02_kernel<T>, {.grid = grid, .block = dim3(add_02_threads)}, y, a, b, shape);
}

}  // namespace rung::cuda

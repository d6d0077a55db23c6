#pragma once

// sum = x + residual and y = RMSNorm(sum): what stands between two blocks of a transformer.
//
// What this rung changes: one kernel. The sum is written, and stays in registers for the norm: four arrays go through
// memory instead of five. The norm is that of the sum as it was rounded and written, so that both rungs give the same bits.

#include "cuda/add_rmsnorm/add_rmsnorm.h"
#include "cuda/numbers.h"
#include "cuda/reduce.h"
#include "cuda/vector16.h"

namespace rung::cuda {

inline constexpr int add_rmsnorm_02_threads = 128;
inline constexpr int add_rmsnorm_02_held = 4;  // vectors of a thread

template <typename T>
__global__ void __launch_bounds__(add_rmsnorm_02_threads)
    add_rmsnorm_02_kernel(T* sum, T* y, const T* x, const T* residual, const T* weight,
                          AddRmsNormShape shape) {
  constexpr int width = Vector16<T>::size;
  constexpr int held_by_block = add_rmsnorm_02_held * add_rmsnorm_02_threads;
  const T* const x_row = x + 1LL * blockIdx.x * shape.x_stride;
  const T* const residual_row = residual + 1LL * blockIdx.x * shape.residual_stride;
  T* const sum_row = sum + 1LL * blockIdx.x * shape.sum_stride;
  T* const y_row = y + 1LL * blockIdx.x * shape.y_stride;
  const bool aligned = aligned16(x_row) && aligned16(residual_row) && aligned16(sum_row) &&
                       aligned16(y_row) && aligned16(weight);
  const int vectors = aligned ? shape.n / width : 0;
  float squares = 0;
  const auto add = [&](int v) {
    const Vector16<T> x16 = load16(x_row + v * width);
    const Vector16<T> residual16 = load16(residual_row + v * width);
    Vector16<T> sum16;
    for (int e = 0; e < width; ++e) {
      sum16.of[e] = from_float<T>(to_float(x16.of[e]) + to_float(residual16.of[e]));
      squares += to_float(sum16.of[e]) * to_float(sum16.of[e]);
    }
    store16(sum_row + v * width, sum16);
    return sum16;
  };
  Vector16<T> held[add_rmsnorm_02_held];
#pragma unroll  // so that every index into held is known, and held is registers
  for (int k = 0; k < add_rmsnorm_02_held; ++k) {
    const int v = k * add_rmsnorm_02_threads + threadIdx.x;
    if (v < vectors) held[k] = add(v);
  }
  for (int v = held_by_block + threadIdx.x; v < vectors; v += add_rmsnorm_02_threads) add(v);
  for (int i = vectors * width + threadIdx.x; i < shape.n; i += add_rmsnorm_02_threads) {
    const T rounded = from_float<T>(to_float(x_row[i]) + to_float(residual_row[i]));
    squares += to_float(rounded) * to_float(rounded);
    sum_row[i] = rounded;
  }

  const float all_squares = block_sum<add_rmsnorm_02_threads>(squares);

  const float inverse = 1 / sqrtf(all_squares / static_cast<float>(shape.n) + shape.eps);
  const auto write = [&](int v, const Vector16<T>& sum16) {
    const Vector16<T> weight16 = load16(weight + v * width);
    Vector16<T> y16;
    for (int e = 0; e < width; ++e) {
      y16.of[e] = from_float<T>(to_float(sum16.of[e]) * inverse * to_float(weight16.of[e]));
    }
    store16(y_row + v * width, y16);
  };
#pragma unroll
  for (int k = 0; k < add_rmsnorm_02_held; ++k) {
    const int v = k * add_rmsnorm_02_threads + threadIdx.x;
    if (v < vectors) write(v, held[k]);
  }
  // A thread reads again what it wrote itself.
  for (int v = held_by_block + threadIdx.x; v < vectors; v += add_rmsnorm_02_threads) {
    write(v, load16(sum_row + v * width));
  }
  for (int i = vectors * width + threadIdx.x; i < shape.n; i += add_rmsnorm_02_threads) {
    y_row[i] = from_float<T>(to_float(sum_row[i]) * inverse * to_float(weight[i]));
  }
}

template <typename T>
void add_rmsnorm_02(T* sum, T* y, const T* x, const T* residual, const T* weight, AddRmsNormShape shape) {
  const dim3 grid(shape.rows);
  simt::launch("add_rmsnorm_02", add_rmsnorm_02_kernel<T>,
               {.grid = grid, .block = dim3(add_rmsnorm_02_threads)}, sum, y, x, residual, weight, shape);
}

}  // namespace rung::cuda

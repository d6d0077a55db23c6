#pragma once

// RMSNorm: y = weight · x / sqrt(mean(x²) + eps), row by row (Zhang and Sennrich 2019).
//
// What this rung changes: x is read once. A thread keeps its part of the row in registers between the sum and the product,
// up to rmsnorm_05_held vectors of it (a row of 2048 numbers in fp32, 4096 in fp16); what a longer row has beyond that is
// read a second time.

#include "cuda/numbers.h"
#include "cuda/reduce.h"
#include "cuda/rmsnorm/rmsnorm.h"
#include "cuda/vector16.h"

namespace rung::cuda {

inline constexpr int rmsnorm_05_threads = 128;
inline constexpr int rmsnorm_05_held = 4;  // vectors of a thread

template <typename T>
__global__ void __launch_bounds__(rmsnorm_05_threads)
    rmsnorm_05_kernel(T* y, const T* x, const T* weight, RmsNormShape shape) {
  constexpr int width = Vector16<T>::size;
  constexpr int held_by_block = rmsnorm_05_held * rmsnorm_05_threads;
  const T* const x_row = x + 1LL * blockIdx.x * shape.x_stride;
  T* const y_row = y + 1LL * blockIdx.x * shape.y_stride;
  const int vectors = aligned16(x_row) && aligned16(y_row) && aligned16(weight) ? shape.n / width : 0;
  float squares = 0;
  const auto add_squares = [&](const Vector16<T>& x16) {
    for (int e = 0; e < width; ++e) squares += to_float(x16.of[e]) * to_float(x16.of[e]);
  };
  Vector16<T> held[rmsnorm_05_held];
#pragma unroll  // so that every index into held is known, and held is registers
  for (int k = 0; k < rmsnorm_05_held; ++k) {
    const int v = k * rmsnorm_05_threads + threadIdx.x;
    if (v < vectors) {
      held[k] = load16(x_row + v * width);
      add_squares(held[k]);
    }
  }
  for (int v = held_by_block + threadIdx.x; v < vectors; v += rmsnorm_05_threads)
    add_squares(load16(x_row + v * width));
  for (int i = vectors * width + threadIdx.x; i < shape.n; i += rmsnorm_05_threads) {
    squares += to_float(x_row[i]) * to_float(x_row[i]);
  }

  const float sum = block_sum<rmsnorm_05_threads>(squares);

  const float inverse = 1 / sqrtf(sum / static_cast<float>(shape.n) + shape.eps);
  const auto write = [&](int v, const Vector16<T>& x16) {
    const Vector16<T> weight16 = load16(weight + v * width);
    Vector16<T> y16;
    for (int e = 0; e < width; ++e) {
      y16.of[e] = from_float<T>(to_float(x16.of[e]) * inverse * to_float(weight16.of[e]));
    }
    store16(y_row + v * width, y16);
  };
#pragma unroll
  for (int k = 0; k < rmsnorm_05_held; ++k) {
    const int v = k * rmsnorm_05_threads + threadIdx.x;
    if (v < vectors) write(v, held[k]);
  }
  for (int v = held_by_block + threadIdx.x; v < vectors; v += rmsnorm_05_threads)
    write(v, load16(x_row + v * width));
  for (int i = vectors * width + threadIdx.x; i < shape.n; i += rmsnorm_05_threads) {
    y_row[i] = from_float<T>(to_float(x_row[i]) * inverse * to_float(weight[i]));
  }
}

template <typename T>
void rmsnorm_05(T* y, const T* x, const T* weight, RmsNormShape shape) {
  const dim3 grid(shape.rows);
  simt::launch("rmsnorm_05", rmsnorm_05_kernel<T>, {.grid = grid, .block = dim3(rmsnorm_05_threads)}, y, x,
               weight, shape);
}

}  // namespace rung::cuda

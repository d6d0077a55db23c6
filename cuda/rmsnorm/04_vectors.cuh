#pragma once

// RMSNorm: y = weight · x / sqrt(mean(x²) + eps), row by row (Zhang and Sennrich 2019).
//
// What this rung changes: a thread loads 16 bytes at a time: the same bytes in a quarter of the requests (an eighth, in
// fp16). A row that does not begin at a multiple of 16 bytes in x, y and weight, and what is left over at the end of a row,
// goes number by number.

#include "cuda/numbers.h"
#include "cuda/reduce.h"
#include "cuda/rmsnorm/rmsnorm.h"
#include "cuda/vector16.h"

namespace rung::cuda {

inline constexpr int rmsnorm_04_threads = 128;

template <typename T>
__global__ void __launch_bounds__(rmsnorm_04_threads)
    rmsnorm_04_kernel(T* y, const T* x, const T* weight, RmsNormShape shape) {
  constexpr int width = Vector16<T>::size;
  const T* const x_row = x + 1LL * blockIdx.x * shape.x_stride;
  T* const y_row = y + 1LL * blockIdx.x * shape.y_stride;
  const int vectors = aligned16(x_row) && aligned16(y_row) && aligned16(weight) ? shape.n / width : 0;
  float squares = 0;
  for (int v = threadIdx.x; v < vectors; v += rmsnorm_04_threads) {
    const Vector16<T> x16 = load16(x_row + v * width);
    for (int e = 0; e < width; ++e) squares += to_float(x16.of[e]) * to_float(x16.of[e]);
  }
  for (int i = vectors * width + threadIdx.x; i < shape.n; i += rmsnorm_04_threads) {
    squares += to_float(x_row[i]) * to_float(x_row[i]);
  }

  const float sum = block_sum<rmsnorm_04_threads>(squares);

  const float inverse = 1 / sqrtf(sum / static_cast<float>(shape.n) + shape.eps);
  for (int v = threadIdx.x; v < vectors; v += rmsnorm_04_threads) {
    const Vector16<T> x16 = load16(x_row + v * width);
    const Vector16<T> weight16 = load16(weight + v * width);
    Vector16<T> y16;
    for (int e = 0; e < width; ++e) {
      y16.of[e] = from_float<T>(to_float(x16.of[e]) * inverse * to_float(weight16.of[e]));
    }
    store16(y_row + v * width, y16);
  }
  for (int i = vectors * width + threadIdx.x; i < shape.n; i += rmsnorm_04_threads) {
    y_row[i] = from_float<T>(to_float(x_row[i]) * inverse * to_float(weight[i]));
  }
}

template <typename T>
void rmsnorm_04(T* y, const T* x, const T* weight, RmsNormShape shape) {
  const dim3 grid(shape.rows);
  simt::launch("rmsnorm_04", rmsnorm_04_kernel<T>, {.grid = grid, .block = dim3(rmsnorm_04_threads)}, y, x,
               weight, shape);
}

}  // namespace rung::cuda

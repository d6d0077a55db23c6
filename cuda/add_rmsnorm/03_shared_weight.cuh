#pragma once

// sum = x + residual and y = RMSNorm(sum): what stands between two blocks of a transformer.
//
// What this rung changes: as in rmsnorm/06, the weight comes from L2 once for add_rmsnorm_03_rows rows and waits in shared
// memory; a warp takes a row.

#include <algorithm>

#include "cuda/add_rmsnorm/add_rmsnorm.h"
#include "cuda/numbers.h"
#include "cuda/reduce.h"
#include "cuda/vector16.h"

namespace rung::cuda {

inline constexpr int add_rmsnorm_03_rows = 16;  // of a block; a warp each
inline constexpr int add_rmsnorm_03_threads = add_rmsnorm_03_rows * lanes_in_warp;
inline constexpr int add_rmsnorm_03_held = 8;            // vectors of a lane
inline constexpr int add_rmsnorm_03_kept_bytes = 16384;  // of the weight; what is beyond is read anew

template <typename T>
__global__ void __launch_bounds__(add_rmsnorm_03_threads)
    add_rmsnorm_03_kernel(T* sum, T* y, const T* x, const T* residual, const T* weight,
                          AddRmsNormShape shape) {
  constexpr int width = Vector16<T>::size;
  constexpr int held_by_warp = add_rmsnorm_03_held * lanes_in_warp;
  T* const kept = simt::dynamic_shared<T>();
  const bool weight_aligned = aligned16(weight);
  const int kept_vectors =
      weight_aligned ? min(shape.n, add_rmsnorm_03_kept_bytes / int{sizeof(T)}) / width : 0;
  for (int v = threadIdx.x; v < kept_vectors; v += add_rmsnorm_03_threads) {
    store16(kept + v * width, load16(weight + v * width));
  }
  __syncthreads();  // before a warp without a row goes
  const int r = blockIdx.x * add_rmsnorm_03_rows + threadIdx.x / lanes_in_warp;
  if (r >= shape.rows) return;

  const int lane = threadIdx.x % lanes_in_warp;
  const T* const x_row = x + 1LL * r * shape.x_stride;
  const T* const residual_row = residual + 1LL * r * shape.residual_stride;
  T* const sum_row = sum + 1LL * r * shape.sum_stride;
  T* const y_row = y + 1LL * r * shape.y_stride;
  const bool aligned =
      aligned16(x_row) && aligned16(residual_row) && aligned16(sum_row) && aligned16(y_row) && weight_aligned;
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
  Vector16<T> held[add_rmsnorm_03_held];
#pragma unroll  // so that every index into held is known, and held is registers
  for (int k = 0; k < add_rmsnorm_03_held; ++k) {
    const int v = k * lanes_in_warp + lane;
    if (v < vectors) held[k] = add(v);
  }
  for (int v = held_by_warp + lane; v < vectors; v += lanes_in_warp) add(v);
  for (int i = vectors * width + lane; i < shape.n; i += lanes_in_warp) {
    const T rounded = from_float<T>(to_float(x_row[i]) + to_float(residual_row[i]));
    squares += to_float(rounded) * to_float(rounded);
    sum_row[i] = rounded;
  }

  const float inverse = 1 / sqrtf(warp_sum(squares) / static_cast<float>(shape.n) + shape.eps);
  const auto write = [&](int v, const Vector16<T>& sum16) {
    const Vector16<T> weight16 = load16((v < kept_vectors ? kept : weight) + v * width);
    Vector16<T> y16;
    for (int e = 0; e < width; ++e) {
      y16.of[e] = from_float<T>(to_float(sum16.of[e]) * inverse * to_float(weight16.of[e]));
    }
    store16(y_row + v * width, y16);
  };
#pragma unroll
  for (int k = 0; k < add_rmsnorm_03_held; ++k) {
    const int v = k * lanes_in_warp + lane;
    if (v < vectors) write(v, held[k]);
  }
  // A thread reads again what it wrote itself.
  for (int v = held_by_warp + lane; v < vectors; v += lanes_in_warp) write(v, load16(sum_row + v * width));
  for (int i = vectors * width + lane; i < shape.n; i += lanes_in_warp) {
    y_row[i] = from_float<T>(to_float(sum_row[i]) * inverse * to_float(weight[i]));
  }
}

template <typename T>
void add_rmsnorm_03(T* sum, T* y, const T* x, const T* residual, const T* weight, AddRmsNormShape shape) {
  const dim3 grid((shape.rows + add_rmsnorm_03_rows - 1) / add_rmsnorm_03_rows);
  const std::size_t shared = std::min(sizeof(T) * shape.n, std::size_t{add_rmsnorm_03_kept_bytes});
  simt::launch("add_rmsnorm_03", add_rmsnorm_03_kernel<T>,
               {.grid = grid, .block = dim3(add_rmsnorm_03_threads), .shared_bytes = shared}, sum, y, x,
               residual, weight, shape);
}

}  // namespace rung::cuda

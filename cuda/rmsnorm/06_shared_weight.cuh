#pragma once

// RMSNorm: y = weight · x / sqrt(mean(x²) + eps), row by row (Zhang and Sennrich 2019).
//
// What this rung changes: the weight comes from L2 once for rmsnorm_06_rows rows, not once for each. It waits in shared
// memory, and each warp of the block takes a row of its own. So the sum stays within a warp, and the only barrier is the
// one behind the weight. The price: a sixteenth of the blocks.

#include <algorithm>

#include "cuda/numbers.h"
#include "cuda/reduce.h"
#include "cuda/rmsnorm/rmsnorm.h"
#include "cuda/vector16.h"

namespace rung::cuda {

inline constexpr int rmsnorm_06_rows = 16;  // of a block; a warp each
inline constexpr int rmsnorm_06_threads = rmsnorm_06_rows * lanes_in_warp;
inline constexpr int rmsnorm_06_held = 8;  // vectors of a lane
inline constexpr int rmsnorm_06_kept_bytes =
    16384;  // of the weight, in shared memory; what is beyond is read anew

template <typename T>
__global__ void __launch_bounds__(rmsnorm_06_threads)
    rmsnorm_06_kernel(T* y, const T* x, const T* weight, RmsNormShape shape) {
  constexpr int width = Vector16<T>::size;
  constexpr int held_by_warp = rmsnorm_06_held * lanes_in_warp;
  T* const kept = simt::dynamic_shared<T>();
  const bool weight_aligned = aligned16(weight);
  // [kept]
  const int kept_vectors = weight_aligned ? min(shape.n, rmsnorm_06_kept_bytes / int{sizeof(T)}) / width : 0;
  for (int v = threadIdx.x; v < kept_vectors; v += rmsnorm_06_threads) {
    store16(kept + v * width, load16(weight + v * width));
  }
  __syncthreads();  // before a warp without a row goes
  const int r = blockIdx.x * rmsnorm_06_rows + threadIdx.x / lanes_in_warp;
  if (r >= shape.rows) return;
  // [kept]

  const int lane = threadIdx.x % lanes_in_warp;
  const T* const x_row = x + 1LL * r * shape.x_stride;
  T* const y_row = y + 1LL * r * shape.y_stride;
  const int vectors = aligned16(x_row) && aligned16(y_row) && weight_aligned ? shape.n / width : 0;
  float squares = 0;
  const auto add_squares = [&](const Vector16<T>& x16) {
    for (int e = 0; e < width; ++e) squares += to_float(x16.of[e]) * to_float(x16.of[e]);
  };
  Vector16<T> held[rmsnorm_06_held];
#pragma unroll  // so that every index into held is known, and held is registers
  for (int k = 0; k < rmsnorm_06_held; ++k) {
    const int v = k * lanes_in_warp + lane;
    if (v < vectors) {
      held[k] = load16(x_row + v * width);
      add_squares(held[k]);
    }
  }
  for (int v = held_by_warp + lane; v < vectors; v += lanes_in_warp) add_squares(load16(x_row + v * width));
  for (int i = vectors * width + lane; i < shape.n; i += lanes_in_warp) {
    squares += to_float(x_row[i]) * to_float(x_row[i]);
  }

  const float inverse = 1 / sqrtf(warp_sum(squares) / static_cast<float>(shape.n) + shape.eps);
  const auto write = [&](int v, const Vector16<T>& x16) {
    const Vector16<T> weight16 = load16((v < kept_vectors ? kept : weight) + v * width);
    Vector16<T> y16;
    for (int e = 0; e < width; ++e) {
      y16.of[e] = from_float<T>(to_float(x16.of[e]) * inverse * to_float(weight16.of[e]));
    }
    store16(y_row + v * width, y16);
  };
#pragma unroll
  for (int k = 0; k < rmsnorm_06_held; ++k) {
    const int v = k * lanes_in_warp + lane;
    if (v < vectors) write(v, held[k]);
  }
  for (int v = held_by_warp + lane; v < vectors; v += lanes_in_warp) write(v, load16(x_row + v * width));
  for (int i = vectors * width + lane; i < shape.n; i += lanes_in_warp) {
    y_row[i] = from_float<T>(to_float(x_row[i]) * inverse * to_float(weight[i]));
  }
}

template <typename T>
void rmsnorm_06(T* y, const T* x, const T* weight, RmsNormShape shape) {
  const dim3 grid((shape.rows + rmsnorm_06_rows - 1) / rmsnorm_06_rows);
  const std::size_t shared = std::min(sizeof(T) * shape.n, std::size_t{rmsnorm_06_kept_bytes});
  simt::launch("rmsnorm_06", rmsnorm_06_kernel<T>,
               {.grid = grid, .block = dim3(rmsnorm_06_threads), .shared_bytes = shared}, y, x, weight,
               shape);
}

}  // namespace rung::cuda

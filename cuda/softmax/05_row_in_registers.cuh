#pragma once

// softmax: y = exp(x) / sum of exp(x), row by row; the largest x is subtracted first, so that no exp overflows.
//
// What this rung changes: x is read once, 16 bytes at a time. A lane keeps its part of the row in registers, up to
// softmax_05_held vectors of it (a row of 1024 numbers in fp32, 2048 in fp16), finds the maximum of them and then their
// sum. What a longer row has beyond that goes online, and is read a second time. A row that does not begin at a multiple of
// 16 bytes in x and y, and what is left over at the end of a row, goes number by number.

#include "cuda/numbers.h"
#include "cuda/reduce.h"
#include "cuda/softmax/softmax.h"
#include "cuda/vector16.h"

namespace rung::cuda {

inline constexpr int softmax_05_threads = 128;
inline constexpr int softmax_05_held = 8;  // vectors of a lane

template <typename T>
__global__ void __launch_bounds__(softmax_05_threads)
    softmax_05_kernel(T* y, const T* x, SoftmaxShape shape) {
  constexpr int width = Vector16<T>::size;
  constexpr int held_by_warp = softmax_05_held * lanes_in_warp;
  constexpr int rows_of_block = softmax_05_threads / lanes_in_warp;
  const int r = blockIdx.x * rows_of_block + threadIdx.x / lanes_in_warp;
  const int lane = threadIdx.x % lanes_in_warp;
  if (r >= shape.rows) return;  // a whole warp at once, and there is no barrier to miss
  const T* const x_row = x + 1LL * r * shape.x_stride;
  T* const y_row = y + 1LL * r * shape.y_stride;
  const int vectors = aligned16(x_row) && aligned16(y_row) ? shape.n / width : 0;

  MaxSum own;
  Vector16<T> held[softmax_05_held];
#pragma unroll  // so that every index into held is known, and held is registers
  for (int k = 0; k < softmax_05_held; ++k) {
    const int v = k * lanes_in_warp + lane;
    if (v < vectors) {
      held[k] = load16(x_row + v * width);
      for (int e = 0; e < width; ++e) own.max = fmaxf(own.max, to_float(held[k].of[e]));
    }
  }
#pragma unroll
  for (int k = 0; k < softmax_05_held; ++k) {
    if (k * lanes_in_warp + lane < vectors && own.max > -INFINITY) {
      for (int e = 0; e < width; ++e) own.sum += expf(to_float(held[k].of[e]) - own.max);
    }
  }
  for (int v = held_by_warp + lane; v < vectors; v += lanes_in_warp) {
    const Vector16<T> x16 = load16(x_row + v * width);
    for (int e = 0; e < width; ++e) own = merged(own, {to_float(x16.of[e]), 1});
  }
  for (int i = vectors * width + lane; i < shape.n; i += lanes_in_warp)
    own = merged(own, {to_float(x_row[i]), 1});

  const MaxSum all = warp_merged(own);

  const auto write = [&](int v, const Vector16<T>& x16) {
    Vector16<T> y16;
    for (int e = 0; e < width; ++e) y16.of[e] = from_float<T>(weight_of(to_float(x16.of[e]), all));
    store16(y_row + v * width, y16);
  };
#pragma unroll
  for (int k = 0; k < softmax_05_held; ++k) {
    const int v = k * lanes_in_warp + lane;
    if (v < vectors) write(v, held[k]);
  }
  for (int v = held_by_warp + lane; v < vectors; v += lanes_in_warp) write(v, load16(x_row + v * width));
  for (int i = vectors * width + lane; i < shape.n; i += lanes_in_warp) {
    y_row[i] = from_float<T>(weight_of(to_float(x_row[i]), all));
  }
}

template <typename T>
void softmax_05(T* y, const T* x, SoftmaxShape shape) {
  constexpr int rows_of_block = softmax_05_threads / lanes_in_warp;
  const dim3 grid((shape.rows + rows_of_block - 1) / rows_of_block);
  simt::launch("softmax_05", softmax_05_kernel<T>, {.grid = grid, .block = dim3(softmax_05_threads)}, y, x,
               shape);
}

}  // namespace rung::cuda

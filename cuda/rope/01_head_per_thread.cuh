#pragma once

// RoPE: turns each pair of numbers of a head by an angle that grows with the position (Su et al. 2021).
//
// What this rung does: one thread per head of a token, which turns one pair after the other. The 32 threads of a warp are in
// 32 different heads at any moment: 32 sectors for 32 numbers. And each of them works out the same D/2 angles as all other
// heads of its token.

#include "cuda/numbers.h"
#include "cuda/rope/rope.h"

namespace rung::cuda {

inline constexpr int rope_01_threads = 32;

template <typename T, RopeLayout layout>
__global__ void __launch_bounds__(rope_01_threads)
    rope_01_kernel(T* y, const T* x, const int* positions, RopeShape shape) {
  const int head = blockIdx.x * rope_01_threads + threadIdx.x;  // of all tokens
  if (head >= shape.T * shape.H) return;
  const int position = positions[head / shape.H];
  const T* const x_head = x + 1LL * head * shape.x_stride;
  T* const y_head = y + 1LL * head * shape.y_stride;
  for (int i = 0; i < shape.D / 2; ++i) {
    const Turn turn = turn_of(position, i, shape);
    const RopePair at = rope_pair<layout>(i, shape.D);
    const float a = to_float(x_head[at.first]);
    const float b = to_float(x_head[at.second]);
    y_head[at.first] = from_float<T>(a * turn.cos - b * turn.sin);
    y_head[at.second] = from_float<T>(b * turn.cos + a * turn.sin);
  }
}

template <typename T>
void rope_01(T* y, const T* x, const int* positions, RopeShape shape) {
  const dim3 grid((shape.T * shape.H + rope_01_threads - 1) / rope_01_threads);
  const auto kernel = shape.layout == RopeLayout::half_split ? rope_01_kernel<T, RopeLayout::half_split>
                                                             : rope_01_kernel<T, RopeLayout::interleaved>;
  simt::launch("rope_01", kernel, {.grid = grid, .block = dim3(rope_01_threads)}, y, x, positions, shape);
}

}  // namespace rung::cuda

#pragma once

// RoPE: turns each pair of numbers of a head by an angle that grows with the position (Su et al. 2021).
//
// What this rung changes: one block per token, and a thread takes one pair at a time, its neighbour the next one. In the
// half-split layout, both loads of a warp are then coalesced. In the interleaved one, each load takes every other number:
// all sectors come twice.

#include "cuda/numbers.h"
#include "cuda/rope/rope.h"

namespace rung::cuda {

inline constexpr int rope_02_threads = 128;

template <typename T, RopeLayout layout>
__global__ void __launch_bounds__(rope_02_threads)
    rope_02_kernel(T* y, const T* x, const int* positions, RopeShape shape) {
  const int t = blockIdx.x;
  const int pairs = shape.D / 2;  // of a head
  for (int p = threadIdx.x; p < shape.H * pairs; p += rope_02_threads) {
    const int head = t * shape.H + p / pairs;  // of all tokens
    const int i = p % pairs;
    const T* const x_head = x + 1LL * head * shape.x_stride;
    T* const y_head = y + 1LL * head * shape.y_stride;
    const Turn turn = turn_of(positions[t], i, shape);
    const RopePair at = rope_pair<layout>(i, shape.D);
    const float a = to_float(x_head[at.first]);
    const float b = to_float(x_head[at.second]);
    y_head[at.first] = from_float<T>(a * turn.cos - b * turn.sin);
    y_head[at.second] = from_float<T>(b * turn.cos + a * turn.sin);
  }
}

template <typename T>
void rope_02(T* y, const T* x, const int* positions, RopeShape shape) {
  const dim3 grid(shape.T);
  const auto kernel = shape.layout == RopeLayout::half_split ? rope_02_kernel<T, RopeLayout::half_split>
                                                             : rope_02_kernel<T, RopeLayout::interleaved>;
  simt::launch("rope_02", kernel, {.grid = grid, .block = dim3(rope_02_threads)}, y, x, positions, shape);
}

}  // namespace rung::cuda

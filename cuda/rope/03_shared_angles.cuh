#pragma once

// RoPE: turns each pair of numbers of a head by an angle that grows with the position (Su et al. 2021).
//
// What this rung changes: the angles of a token are the same in all its heads, so the block works out their cos and sin
// once, into shared memory: D/2 powers, cosines and sines instead of H times as many.

#include "cuda/numbers.h"
#include "cuda/rope/rope.h"

namespace rung::cuda {

inline constexpr int rope_03_threads = 128;

template <typename T, RopeLayout layout>
__global__ void __launch_bounds__(rope_03_threads)
    rope_03_kernel(T* y, const T* x, const int* positions, RopeShape shape) {
  const int t = blockIdx.x;
  const int pairs = shape.D / 2;                         // of a head
  float* const cosines = simt::dynamic_shared<float>();  // [D/2]
  float* const sines = cosines + pairs;                  // [D/2]
  for (int i = threadIdx.x; i < pairs; i += rope_03_threads) {
    const Turn turn = turn_of(positions[t], i, shape);
    cosines[i] = turn.cos;
    sines[i] = turn.sin;
  }
  __syncthreads();
  for (int p = threadIdx.x; p < shape.H * pairs; p += rope_03_threads) {
    const int head = t * shape.H + p / pairs;  // of all tokens
    const int i = p % pairs;
    const T* const x_head = x + 1LL * head * shape.x_stride;
    T* const y_head = y + 1LL * head * shape.y_stride;
    const RopePair at = rope_pair<layout>(i, shape.D);
    const float a = to_float(x_head[at.first]);
    const float b = to_float(x_head[at.second]);
    y_head[at.first] = from_float<T>(a * cosines[i] - b * sines[i]);
    y_head[at.second] = from_float<T>(b * cosines[i] + a * sines[i]);
  }
}

template <typename T>
void rope_03(T* y, const T* x, const int* positions, RopeShape shape) {
  const dim3 grid(shape.T);
  const std::size_t shared = sizeof(float) * shape.D;
  const auto kernel = shape.layout == RopeLayout::half_split ? rope_03_kernel<T, RopeLayout::half_split>
                                                             : rope_03_kernel<T, RopeLayout::interleaved>;
  simt::launch("rope_03", kernel, {.grid = grid, .block = dim3(rope_03_threads), .shared_bytes = shared}, y,
               x, positions, shape);
}

}  // namespace rung::cuda

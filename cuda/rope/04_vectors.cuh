#pragma once

// RoPE: turns each pair of numbers of a head by an angle that grows with the position (Su et al. 2021).
//
// What this rung changes: a thread loads 16 bytes at a time (and of the angles in shared memory as many as it needs, in one
// or two requests: with one number per request, threads that are apart by a multiple of 32 numbers meet in a bank). In the
// half-split layout these are the first numbers of some pairs, and another 16 bytes their second numbers; in the interleaved
// one whole pairs, so that no sector comes twice. Heads that do not begin at a multiple of 16 bytes, or whose pairs do not
// fill vectors, go pair by pair.

#include "cuda/numbers.h"
#include "cuda/rope/rope.h"
#include "cuda/vector16.h"

namespace rung::cuda {

inline constexpr int rope_04_threads = 128;

/// 2, 4 or 8 numbers.
template <int count>
struct Floats {
  float of[count];
};
template <int count>
__device__ __forceinline__ Floats<count> load_floats(const float* from) {
  Floats<count> floats;
  if constexpr (count == 2) {
    const float2 two = *reinterpret_cast<const float2*>(from);
    floats.of[0] = two.x;
    floats.of[1] = two.y;
  } else {
    for (int k = 0; k < count; k += 4) {
      const Vector16<float> four = load16(from + k);
      for (int e = 0; e < 4; ++e) floats.of[k + e] = four.of[e];
    }
  }
  return floats;
}

template <typename T, RopeLayout layout>
__global__ void __launch_bounds__(rope_04_threads)
    rope_04_kernel(T* y, const T* x, const int* positions, RopeShape shape) {
  constexpr int width = Vector16<T>::size;
  constexpr int step = layout == RopeLayout::half_split ? width : width / 2;  // pairs of a thread
  const int t = blockIdx.x;
  const int pairs = shape.D / 2;                         // of a head
  float* const cosines = simt::dynamic_shared<float>();  // [D/2]
  float* const sines = cosines + pairs;                  // [D/2]
  for (int i = threadIdx.x; i < pairs; i += rope_04_threads) {
    const Turn turn = turn_of(positions[t], i, shape);
    cosines[i] = turn.cos;
    sines[i] = turn.sin;
  }
  __syncthreads();

  const bool aligned =
      aligned16(x) && aligned16(y) && shape.x_stride % width == 0 && shape.y_stride % width == 0;
  if (aligned && pairs % step == 0) {
    for (int p = threadIdx.x * step; p < shape.H * pairs; p += rope_04_threads * step) {
      const int head = t * shape.H + p / pairs;  // of all tokens
      const int i = p % pairs;
      const T* const x_head = x + 1LL * head * shape.x_stride;
      T* const y_head = y + 1LL * head * shape.y_stride;
      const Floats<step> c = load_floats<step>(cosines + i);
      const Floats<step> s = load_floats<step>(sines + i);
      if (layout == RopeLayout::half_split) {
        const Vector16<T> first = load16(x_head + i);
        const Vector16<T> second = load16(x_head + i + pairs);
        Vector16<T> turned_first;
        Vector16<T> turned_second;
        for (int e = 0; e < width; ++e) {
          const float a = to_float(first.of[e]);
          const float b = to_float(second.of[e]);
          turned_first.of[e] = from_float<T>(a * c.of[e] - b * s.of[e]);
          turned_second.of[e] = from_float<T>(b * c.of[e] + a * s.of[e]);
        }
        store16(y_head + i, turned_first);
        store16(y_head + i + pairs, turned_second);
      } else {
        const Vector16<T> both = load16(x_head + 2 * i);
        Vector16<T> turned;
        for (int e = 0; e < width / 2; ++e) {
          const float a = to_float(both.of[2 * e]);
          const float b = to_float(both.of[2 * e + 1]);
          turned.of[2 * e] = from_float<T>(a * c.of[e] - b * s.of[e]);
          turned.of[2 * e + 1] = from_float<T>(b * c.of[e] + a * s.of[e]);
        }
        store16(y_head + 2 * i, turned);
      }
    }
  } else {
    for (int p = threadIdx.x; p < shape.H * pairs; p += rope_04_threads) {
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
}

template <typename T>
void rope_04(T* y, const T* x, const int* positions, RopeShape shape) {
  const dim3 grid(shape.T);
  const std::size_t shared = sizeof(float) * shape.D;
  const auto kernel = shape.layout == RopeLayout::half_split ? rope_04_kernel<T, RopeLayout::half_split>
                                                             : rope_04_kernel<T, RopeLayout::interleaved>;
  simt::launch("rope_04", kernel, {.grid = grid, .block = dim3(rope_04_threads), .shared_bytes = shared}, y,
               x, positions, shape);
}

}  // namespace rung::cuda

#pragma once

// RoPE: turns each pair of numbers of a head by an angle that grows with the position (Su et al. 2021).
//
// What this rung changes: where the angles lie in shared memory. In the half-split layout and fp16 a thread needs eight
// cosines, two chunks of 16 bytes, and its neighbour's are 32 bytes further on: of eight lanes that are served together, four
// meet the banks of the other four. So every second 32 numbers have their chunks swapped in pairs.

#include "cuda/numbers.h"
#include "cuda/rope/rope.h"
#include "cuda/vector16.h"

namespace rung::cuda {

inline constexpr int rope_05_threads = 128;

/// Where angle i lies: bit 2 of its place is flipped in every second 32. Chunks 0, 2, 4 … 14 of four numbers each then lie in
/// eight different groups of four banks, and so do chunks 1, 3 … 15.
// [swizzled]
__device__ __forceinline__ constexpr int rope_05_place(int i) {
  return i ^ (i / 32 % 2 * 4);
}
// [swizzled]

/// Angles i to i + count: 2, 4 or 8 numbers by the widest loads there are. @param i  a multiple of count
template <int count>
struct Angles {
  float of[count];
};
template <int count>
__device__ __forceinline__ Angles<count> load_angles(const float* angles, int i) {
  Angles<count> loaded;
  if constexpr (count == 2) {
    const float2 two = *reinterpret_cast<const float2*>(angles + rope_05_place(i));
    loaded.of[0] = two.x;
    loaded.of[1] = two.y;
  } else {
    for (int k = 0; k < count; k += 4) {
      const Vector16<float> four = load16(angles + rope_05_place(i + k));
      for (int e = 0; e < 4; ++e) loaded.of[k + e] = four.of[e];
    }
  }
  return loaded;
}

/// Numbers that an array of D/2 angles takes: places of a chunk's partner are among them.
__host__ __device__ inline int rope_05_room(int D) {
  return (D / 2 + 7) / 8 * 8;
}

template <typename T, RopeLayout layout>
__global__ void __launch_bounds__(rope_05_threads)
    rope_05_kernel(T* y, const T* x, const int* positions, RopeShape shape) {
  constexpr int width = Vector16<T>::size;
  constexpr int step = layout == RopeLayout::half_split ? width : width / 2;  // pairs of a thread
  const int t = blockIdx.x;
  const int pairs = shape.D / 2;                         // of a head
  float* const cosines = simt::dynamic_shared<float>();  // angle i at rope_05_place(i)
  float* const sines = cosines + rope_05_room(shape.D);
  for (int i = threadIdx.x; i < pairs; i += rope_05_threads) {
    const Turn turn = turn_of(positions[t], i, shape);
    cosines[rope_05_place(i)] = turn.cos;
    sines[rope_05_place(i)] = turn.sin;
  }
  __syncthreads();

  const bool aligned =
      aligned16(x) && aligned16(y) && shape.x_stride % width == 0 && shape.y_stride % width == 0;
  if (aligned && pairs % step == 0) {
    for (int p = threadIdx.x * step; p < shape.H * pairs; p += rope_05_threads * step) {
      const int head = t * shape.H + p / pairs;  // of all tokens
      const int i = p % pairs;
      const T* const x_head = x + 1LL * head * shape.x_stride;
      T* const y_head = y + 1LL * head * shape.y_stride;
      const Angles<step> c = load_angles<step>(cosines, i);
      const Angles<step> s = load_angles<step>(sines, i);
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
    for (int p = threadIdx.x; p < shape.H * pairs; p += rope_05_threads) {
      const int head = t * shape.H + p / pairs;  // of all tokens
      const int i = p % pairs;
      const T* const x_head = x + 1LL * head * shape.x_stride;
      T* const y_head = y + 1LL * head * shape.y_stride;
      const RopePair at = rope_pair<layout>(i, shape.D);
      const float a = to_float(x_head[at.first]);
      const float b = to_float(x_head[at.second]);
      const float cos = cosines[rope_05_place(i)];
      const float sin = sines[rope_05_place(i)];
      y_head[at.first] = from_float<T>(a * cos - b * sin);
      y_head[at.second] = from_float<T>(b * cos + a * sin);
    }
  }
}

template <typename T>
void rope_05(T* y, const T* x, const int* positions, RopeShape shape) {
  const dim3 grid(shape.T);
  const std::size_t shared = sizeof(float) * 2 * rope_05_room(shape.D);
  const auto kernel = shape.layout == RopeLayout::half_split ? rope_05_kernel<T, RopeLayout::half_split>
                                                             : rope_05_kernel<T, RopeLayout::interleaved>;
  simt::launch("rope_05", kernel, {.grid = grid, .block = dim3(rope_05_threads), .shared_bytes = shared}, y,
               x, positions, shape);
}

}  // namespace rung::cuda

#pragma once

#include "core/checkpoint/config.h"
#include "cuda/simt/simt.h"

namespace rung::cuda {

/// Pair i of every head of token t is turned by positions[t] · theta^(−2i/D), 0 <= i < D/2 (Su et al. 2021). x and y are
/// [T, H, D]; strides are in numbers, from one head to the next.
struct RopeShape {
  int T = 0;  ///< tokens, at least 1
  int H = 0;  ///< heads, at least 1
  int D = 0;  ///< numbers per head, even
  RopeLayout layout = RopeLayout::half_split;
  float theta = 0;
  int x_stride = 0;
  int y_stride = 0;
};

/// Places of a pair's two numbers in a head.
struct RopePair {
  int first;
  int second;
};
/// Pair i of a head of D numbers.
template <RopeLayout layout>
__device__ __forceinline__ RopePair rope_pair(int i, int D) {
  if (layout == RopeLayout::half_split) return {i, i + D / 2};
  return {2 * i, 2 * i + 1};
}

/// cos and sin of one pair's angle at one position.
struct Turn {
  float cos;
  float sin;
};
/// Of pair i: position / θ^(2i/D), in radians.
__device__ __forceinline__ Turn turn_of(int position, int i, const RopeShape& shape) {
  const float frequency = 1 / powf(shape.theta, static_cast<float>(2 * i) / static_cast<float>(shape.D));
  Turn turn;
  sincosf(static_cast<float>(position) * frequency, &turn.sin, &turn.cos);
  return turn;
}

}  // namespace rung::cuda

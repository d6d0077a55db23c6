#pragma once

#include <cmath>

#include "cuda/reduce.h"
#include "cuda/simt/simt.h"

namespace rung::cuda {

/// y[r, i] = exp(x[r, i]) / sum over j of exp(x[r, j]). A score of −infinity is masked: its weight is 0, and a row of
/// them gives 0. Strides are in numbers, from one row to the next.
struct SoftmaxShape {
  int rows = 0;  ///< at least 1
  int n = 0;     ///< columns, at least 1
  int x_stride = 0;
  int y_stride = 0;
};

/// The maximum of some scores and the sum of exp(score − maximum) over them; of none, −infinity and 0.
struct MaxSum {
  float max = -INFINITY;
  float sum = 0;
};

/// That of two sets of scores together (Milakov and Gimelshein 2018): the sums are made to refer to the larger maximum.
// [merged]
__device__ __forceinline__ MaxSum merged(MaxSum a, MaxSum b) {
  const float max = fmaxf(a.max, b.max);
  if (max == -INFINITY) return {};  // -inf - -inf is NaN: nothing but masked scores so far
  return {max, a.sum * expf(a.max - max) + b.sum * expf(b.max - max)};
}
// [merged]

/// For a warp where lane k holds own_k, all 32 lanes alive: gives every lane all of them merged.
__device__ __forceinline__ MaxSum warp_merged(MaxSum own) {
  for (int distance = lanes_in_warp / 2; distance > 0; distance /= 2) {
    MaxSum other;
    other.max = __shfl_xor_sync(all_lanes, own.max, distance);
    other.sum = __shfl_xor_sync(all_lanes, own.sum, distance);
    own = merged(own, other);
  }
  return own;
}

/// exp(score − max) / sum; 0 where all scores are masked.
__device__ __forceinline__ float weight_of(float score, MaxSum all) {
  return all.max == -INFINITY ? 0 : expf(score - all.max) / all.sum;
}

}  // namespace rung::cuda

#pragma once

// Sums over a warp and over a block.

#include "cuda/simt/simt.h"

namespace rung::cuda {

inline constexpr int lanes_in_warp = 32;
/// All 32 lanes take part.
inline constexpr unsigned all_lanes = 0xffffffffu;

/// For a warp where lane k holds value_k, all 32 lanes alive: gives every lane the sum over k of value_k.
// [warp_sum]
__device__ __forceinline__ float warp_sum(float value) {
  for (int distance = lanes_in_warp / 2; distance > 0; distance /= 2) {
    value += __shfl_xor_sync(all_lanes, value, distance);
  }
  return value;
}
// [warp_sum]

/// The same for the largest of the 32.
__device__ __forceinline__ float warp_max(float value) {
  for (int distance = lanes_in_warp / 2; distance > 0; distance /= 2) {
    value = fmaxf(value, __shfl_xor_sync(all_lanes, value, distance));
  }
  return value;
}

/// For a block of `threads` threads, a multiple of 32, all alive, where thread k holds value_k: gives every thread the
/// sum over k of value_k. There is a barrier in it, but none at its end: a kernel that calls it twice needs one between.
template <int threads>
__device__ __forceinline__ float block_sum(float value) {
  constexpr int warps = threads / lanes_in_warp;
  __shared__ float of_warp[warps];
  const float sum = warp_sum(value);
  if (threadIdx.x % lanes_in_warp == 0) of_warp[threadIdx.x / lanes_in_warp] = sum;
  __syncthreads();
  float total = 0;
  for (int warp = 0; warp < warps; ++warp) total += of_warp[warp];
  return total;
}

/// The same for the largest.
template <int threads>
__device__ __forceinline__ float block_max(float value) {
  constexpr int warps = threads / lanes_in_warp;
  __shared__ float of_warp[warps];
  const float max = warp_max(value);
  if (threadIdx.x % lanes_in_warp == 0) of_warp[threadIdx.x / lanes_in_warp] = max;
  __syncthreads();
  float largest = of_warp[0];
  for (int warp = 1; warp < warps; ++warp) largest = fmaxf(largest, of_warp[warp]);
  return largest;
}

}  // namespace rung::cuda

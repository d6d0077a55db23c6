#pragma once

#include "cuda/reduce.h"

/// \file
/// Four neighbouring lanes of a warp, which share a row.

namespace rung::cuda {

/// The largest of the values of a quad's lanes, in each of them. All 32 lanes of the warp take part.
__device__ __forceinline__ float quad_max(float value) {
  value = fmaxf(value, __shfl_xor_sync(all_lanes, value, 1));
  return fmaxf(value, __shfl_xor_sync(all_lanes, value, 2));
}

/// The sum of the values of a quad's lanes, in each of them.
__device__ __forceinline__ float quad_sum(float value) {
  value += __shfl_xor_sync(all_lanes, value, 1);
  return value + __shfl_xor_sync(all_lanes, value, 2);
}

}  // namespace rung::cuda

#pragma once

#include "cuda/gemm/mma.h"
#include "cuda/gemm/quad.h"
#include "cuda/gemm/shape.h"

/// \file
/// mma.sync's fragments for attention. Lane l is g = l / 4 and t = l % 4. Tiles are rows of chunks of 16 bytes.

namespace rung::cuda {

/// Numbers 2 · index and 2 · index + 1 of a row of a tile.
__device__ __forceinline__ unsigned pair_of(const uint4* row, int index) {
  return reinterpret_cast<const unsigned*>(row)[index];
}

/// Number `index` of two rows, side by side as in a column of the second factor of an mma.
__device__ __forceinline__ unsigned pair_of(const uint4* row, const uint4* next_row, int index) {
  const int shift = index % 2 * 16;
  return (pair_of(row, index / 2) >> shift & 0xffff) | (pair_of(next_row, index / 2) >> shift << 16);
}

/// Sums of an mma, [16, 8] twice side by side, rounded to T as the first factor of the next one, [16, 16]: what a lane
/// holds of the sums is what it must hold of the factor.
template <typename T>
__device__ __forceinline__ void as_factor(unsigned (&factor)[4], const float (&left)[4],
                                          const float (&right)[4]) {
  factor[0] = packed<T>(left[0], left[1]);
  factor[1] = packed<T>(left[2], left[3]);
  factor[2] = packed<T>(right[0], right[1]);
  factor[3] = packed<T>(right[2], right[3]);
}

}  // namespace rung::cuda

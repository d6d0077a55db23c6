#pragma once

#include <cstring>

#include "cuda/gemm/shape.h"

namespace rung::cuda {

/// Writes numbers `first` … of a row of C that has n of them: 16 bytes at once where the rows are `aligned` and the
/// chunk is whole, otherwise number by number.
template <typename T>
__device__ void store_chunk(T* row, int first, int n, const T (&numbers)[per_chunk<T>], bool aligned) {
  if (aligned && first + per_chunk<T> <= n) {
    uint4 bytes;
    memcpy(static_cast<void*>(&bytes), numbers, sizeof(bytes));
    *reinterpret_cast<uint4*>(row + first) = bytes;
    return;
  }
#pragma unroll
  for (int i = 0; i < per_chunk<T>; ++i) {
    if (first + i < n) row[first + i] = numbers[i];
  }
}

}  // namespace rung::cuda

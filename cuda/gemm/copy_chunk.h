#pragma once

#include "cuda/gemm/chunk.h"
#include "cuda/simt/ptx.h"

namespace rung::cuda {

/// Sends for what load_chunk() returns of row `row`: cp.async where the rows are `aligned`, which fills up with zeros
/// what it is told not to read. Other rows are read number by number, and stored at once.
/// @param k  how long the row is; 0 for a row that does not exist, which is not touched
template <typename T>
__device__ void copy_chunk(uint4* to, const T* matrix, int row, int stride, int chunk, int k, bool aligned) {
  if (!aligned) {
    *to = load_chunk(row_of(matrix, row, stride), chunk, k, false);
    return;
  }
  const int first = chunk * per_chunk<T>;
  const int count = min(max(k - first, 0), per_chunk<T>);
  const T* from =
      count > 0 ? row_of(matrix, row, stride) + first : matrix;  // an address must be one, even for nothing
  ptx::cp_async16_zfill(to, from, count * static_cast<int>(sizeof(T)));
}

}  // namespace rung::cuda

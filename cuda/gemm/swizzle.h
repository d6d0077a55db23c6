#pragma once

#include "cuda/simt/simt.h"

namespace rung::cuda {

// [swizzled]
/// Where chunk `chunk` (0 … 3) of row `row` lies in a tile whose rows are 4 chunks of 16 bytes: the same chunk of any 8
/// neighbouring rows that start at a multiple of 8 is then in 8 different groups of 4 banks.
__host__ __device__ constexpr int swizzled(int row, int chunk) {
  return chunk ^ (row / 2 % 4);
}
// [swizzled]

}  // namespace rung::cuda

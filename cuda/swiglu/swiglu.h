#pragma once

#include "cuda/simt/simt.h"

namespace rung::cuda {

/// y[r, i] = silu(gate[r, i]) · up[r, i]. Strides are in numbers, from one row to the next. y may be gate or up.
struct SwigluShape {
  int rows = 0;  ///< at least 1
  int n = 0;     ///< columns, at least 1
  int gate_stride = 0;
  int up_stride = 0;
  int y_stride = 0;
};

/// silu(z) = z / (1 + exp(−z)). Where exp(−z) overflows, it is −0.
__device__ __forceinline__ float silu(float z) {
  return z / (1 + expf(-z));
}

}  // namespace rung::cuda

#pragma once

#include "cuda/gemm/shape.h"

namespace rung {

/// C[m, n] = A[m, k] · W[n, k]ᵀ of device memory, through tiles in shared memory. What lies between the rows of A and W is not
/// read for a number of C, and what lies between the rows of C is not written.
void tiled_gemm(const float* a, const float* w, float* c, const cuda::GemmShape& shape);

}  // namespace rung

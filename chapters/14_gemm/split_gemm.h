#pragma once

#include "cuda/gemm/shape.h"

namespace rung {

/// C[m, n] = A[m, k] · W[n, k]ᵀ of device memory, k cut into `parts` that different blocks sum up. Their sums are added in
/// the order of the parts, always the same.
/// @param sums   device memory for the sums of the parts, [parts, m, n] without gaps; that of an empty part is 0
/// @param parts  at least 1; may be more than k
void split_gemm(const float* a, const float* w, float* sums, float* c, const cuda::GemmShape& shape,
                int parts);

}  // namespace rung

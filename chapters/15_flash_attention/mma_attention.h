#pragma once

#include "cuda/simt/simt.h"

namespace rung {

/// out[16, 8] = softmax(scale · q[16, 16] · k[16, 16]ᵀ) · v[16, 8] of device memory without gaps, by one warp with the tensor
/// cores. Weights are rounded to fp16 before they are multiplied with the values; their sum may be of the unrounded or of
/// the rounded ones: the two differ by no more than one part in 2048.
void mma_attention(const half* q, const half* k, const half* v, float* out, float scale);

}  // namespace rung

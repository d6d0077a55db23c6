#pragma once

#include "cuda/simt/simt.h"

namespace rung {

/// C[16, 8] = A[16, 16] · W[8, 16]ᵀ of device memory without gaps, by one warp and one instruction of the tensor cores.
void mma_tile(const half* a, const half* w, float* c);

}  // namespace rung

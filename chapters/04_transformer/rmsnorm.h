#pragma once

#include "core/tensor/matrix.h"

namespace rung {

/// Root-mean-square norm of each row: out[t] = x[t] / sqrt(mean of x[t]² + eps) · weight. The eps stands
/// inside the root. Source: Zhang and Sennrich, arXiv:1910.07467, section 4.
/// @param x       [T, hidden]
/// @param weight  [hidden]
/// @param out     [T, hidden], overwritten; may be x itself
void rmsnorm(const ConstMatrixView& x, const ConstVectorView& weight, float eps, MatrixView out);

}  // namespace rung

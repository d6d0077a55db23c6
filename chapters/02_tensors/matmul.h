#pragma once

#include "core/tensor/matrix.h"

namespace rung {

/// y = x · Wᵀ by three loops: y[t, n] = sum over k of x[t, k] · w[n, k]. What the product means, and what the
/// fast ways are checked against.
/// @param x  [T, K]
/// @param w  [N, K], a weight as checkpoints store it
/// @param y  [T, N]
void matmul_loops(const ConstMatrixView& x, const ConstMatrixView& w, MatrixView y);

/// The same, on all threads, over which the rows of w are split. Few rows of x (decode) are limited by how fast w comes
/// from memory; many rows (prefill) are limited by arithmetic, which Eigen's blocked product does well.
void matmul(const ConstMatrixView& x, const ConstMatrixView& w, MatrixView y);

}  // namespace rung

#pragma once

namespace rung {

/// y[columns, rows] = x[rows, columns]ᵀ of device memory without gaps, through tiles in shared memory: a warp reads and
/// writes neighbouring numbers, and no two of its lanes wait for a bank. Nothing is read or written outside of x and y.
void transposed(float* y, const float* x, int rows, int columns);

}  // namespace rung

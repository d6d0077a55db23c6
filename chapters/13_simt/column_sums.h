#pragma once

namespace rung {

/// sums[c] = sum over r of x[r, c] of device memory. A warp's requests are coalesced: its lanes ask side by side.
/// What lies between the rows of x is no part of a sum.
/// @param x_stride  numbers from one row of x to the next
void column_sums(float* sums, const float* x, int rows, int columns, int x_stride);

}  // namespace rung

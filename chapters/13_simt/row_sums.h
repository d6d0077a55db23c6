#pragma once

namespace rung {

/// sums[r] = sum over i of x[r, i] of device memory without gaps. A block of 128 threads takes a row, each of its warps
/// adds up by shuffles, and the block passes one barrier. A warp's requests are coalesced.
void row_sums(float* sums, const float* x, int rows, int n);

}  // namespace rung

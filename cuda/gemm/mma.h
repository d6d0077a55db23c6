#pragma once

#include "cuda/gemm/swizzle.h"
#include "cuda/simt/ptx.h"
#include "cuda/simt/simt.h"

/// \file
/// mma.sync for both 16-bit types, and the fragments that it multiplies, out of swizzled tiles.

namespace rung::cuda {

/// sums[16, 8] += a[16, 16] · w[8, 16]ᵀ by one warp. Lane l holds, with g = l / 4 and t = l % 4:
/// of sums, row g, columns 2t and 2t + 1, then the same of row g + 8.
template <typename T>
__device__ void multiply(float (&sums)[4], const unsigned (&a)[4], const unsigned (&w)[2]);
/// In fp16.
template <>
__device__ inline void multiply<half>(float (&sums)[4], const unsigned (&a)[4], const unsigned (&w)[2]) {
  ptx::mma_m16n8k16(sums, a, w);
}
/// In bf16.
template <>
__device__ inline void multiply<__nv_bfloat16>(float (&sums)[4], const unsigned (&a)[4],
                                               const unsigned (&w)[2]) {
  ptx::mma_m16n8k16_bf16(sums, a, w);
}

/// Rows row … row + 15 of chunks d and d + 1 of a swizzled tile, as the mma wants its a: four matrices of 8 rows × 16
/// bytes, both halves of the rows first. Lane l names row l % 8 of matrix l / 8.
__device__ inline void load_a(unsigned (&a)[4], const uint4 (*tile)[4], int row, int d, int lane) {
  const int r = row + lane % 16;
  ptx::ldmatrix_x4(a, &tile[r][swizzled(r, d + lane / 16)]);
}

/// The same 16 rows as two w of 8 rows each: both chunks of the first 8 rows, then of the others.
__device__ inline void load_two_w(unsigned (&w)[2][2], const uint4 (*tile)[4], int row, int d, int lane) {
  const int r = row + lane % 8 + lane / 16 * 8;
  unsigned all[4];
  ptx::ldmatrix_x4(all, &tile[r][swizzled(r, d + lane / 8 % 2)]);
  w[0][0] = all[0];
  w[0][1] = all[1];
  w[1][0] = all[2];
  w[1][1] = all[3];
}

}  // namespace rung::cuda

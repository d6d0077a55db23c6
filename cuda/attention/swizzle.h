#pragma once

#include "cuda/simt/ptx.h"
#include "cuda/simt/simt.h"

/// \file
/// Tiles whose rows are some even number of chunks of 16 bytes, swizzled, and the fragments that ldmatrix brings out of
/// them. A row of shared memory's banks has room for 8 chunks: 8 addresses are in different banks where the numbers of
/// their chunks, counted from the tile's beginning, differ modulo 8.

namespace rung::cuda {

// [swizzled]
/// Where chunk `chunk` of row `row` lies in its row, of `chunks`: the same chunk of any 8 neighbouring rows that
/// start at a multiple of 8 is then in 8 different groups of banks. Without it, row r's chunk c has number r · chunks
/// + c, and where chunks = 2^s · m (s = 3, or m is odd), 8 rows share 8 / 2^s groups, 2^s rows each. Those are told
/// apart by s bits of the row, which change the lowest s bits of the chunk: it stays among 2^s neighbours, and in its
/// row.
template <int chunks>
__host__ __device__ constexpr int swizzled(int row, int chunk) {
  static_assert(chunks % 2 == 0);
  constexpr int sharing = chunks % 8 == 0 ? 8 : chunks % 4 == 0 ? 4 : 2;  // 2^s
  return chunk ^ (row % 8 / (8 / sharing));
}
// [swizzled]

/// The first factor of an mma: chunks d and d + 1 of 16 rows, which start at a multiple of 8. Four matrices of 8 rows
/// × 16 bytes, both halves of the rows first; lane l names row l % 8 of matrix l / 8.
template <int chunks>
__device__ __forceinline__ void load_rows(unsigned (&factor)[4], const uint4 (*rows)[chunks], int d,
                                          int lane) {
  const int r = lane % 16;
  ptx::ldmatrix_x4(factor, &rows[r][swizzled<chunks>(r, d + lane / 16)]);
}

/// The second factor of q·kᵀ for 8 keys, and for the 8 after them: chunks d and d + 1 of both.
template <int chunks>
__device__ __forceinline__ void load_keys(unsigned (&factors)[2][2], const uint4 (*rows)[chunks], int d,
                                          int lane) {
  const int r = lane % 8 + lane / 16 * 8;
  unsigned all[4];
  ptx::ldmatrix_x4(all, &rows[r][swizzled<chunks>(r, d + lane / 8 % 2)]);
  factors[0][0] = all[0];
  factors[0][1] = all[1];
  factors[1][0] = all[2];
  factors[1][1] = all[3];
}

/// The second factor of weights · v for the 8 numbers of chunk d of 16 keys, and for those of chunk d + 1. A column
/// of it is a number of 16 keys, so the matrices are transposed.
template <int chunks>
__device__ __forceinline__ void load_values(unsigned (&factors)[2][2], const uint4 (*rows)[chunks], int d,
                                            int lane) {
  const int r = lane % 16;
  unsigned all[4];
  ptx::ldmatrix_x4_trans(all, &rows[r][swizzled<chunks>(r, d + lane / 16)]);
  factors[0][0] = all[0];
  factors[0][1] = all[1];
  factors[1][0] = all[2];
  factors[1][1] = all[3];
}

}  // namespace rung::cuda

#pragma once

#include <cstddef>

#include "cuda/numbers.h"
#include "cuda/simt/simt.h"

/// \file
/// What the rungs of the GEMM ladder have in common: the problem, its number types, and 16 bytes at a time.

namespace rung::cuda {

/// C[m, n] = A[m, k] · W[n, k]ᵀ, all three row-major: activations times weights as checkpoints hold them, [out, in].
/// A row starts `a_stride` (`w_stride`, `c_stride`) numbers after the one before it. m and n are at least 1.
struct GemmShape {
  int m, n, k;
  int a_stride, w_stride, c_stride;
};

/// Blocks of `size` that cover `count`.
__host__ __device__ constexpr int blocks_of(int count, int size) {
  return (count + size - 1) / size;
}

/// The row of a matrix.
template <typename T>
__device__ T* row_of(T* matrix, int row, int stride) {
  return matrix + static_cast<std::size_t>(row) * static_cast<std::size_t>(stride);
}

/// Numbers in 16 bytes, the most that a thread can load at once: 4 of fp32, 8 of fp16 or bf16.
template <typename T>
constexpr int per_chunk = 16 / sizeof(T);

/// Whether every row of a matrix starts at a multiple of 16 bytes, as a load of 16 bytes demands.
template <typename T>
__device__ bool rows_are_aligned(const T* matrix, int stride) {
  return reinterpret_cast<std::size_t>(matrix) % 16 == 0 && stride % per_chunk<T> == 0;
}

}  // namespace rung::cuda

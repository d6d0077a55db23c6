#pragma once

#include <cstring>

#include "cuda/gemm/shape.h"

/// \file
/// Rows of a matrix in chunks of 16 bytes, which travel as a uint4.

namespace rung::cuda {

/// What chunk number `chunk` of `row` holds, zeros from number `k` of the row on. One load of 16 bytes where the rows
/// are `aligned` and the chunk is whole, otherwise a load per number.
template <typename T>
__device__ uint4 load_chunk(const T* row, int chunk, int k, bool aligned) {
  const int first = chunk * per_chunk<T>;
  if (aligned && first + per_chunk<T> <= k) return *reinterpret_cast<const uint4*>(row + first);
  T numbers[per_chunk<T>];
#pragma unroll
  for (int i = 0; i < per_chunk<T>; ++i) numbers[i] = first + i < k ? row[first + i] : from_float<T>(0);
  uint4 bytes;
  memcpy(static_cast<void*>(&bytes), numbers, sizeof(bytes));
  return bytes;
}

/// sum + Σ a·w over the numbers of two chunks, in their order.
template <typename T>
__device__ float add_products(float sum, const uint4& a, const uint4& w) {
  T a_numbers[per_chunk<T>];
  T w_numbers[per_chunk<T>];
  memcpy(a_numbers, &a, sizeof(a));
  memcpy(w_numbers, &w, sizeof(w));
#pragma unroll
  for (int i = 0; i < per_chunk<T>; ++i) sum += to_float(a_numbers[i]) * to_float(w_numbers[i]);
  return sum;
}

}  // namespace rung::cuda

#pragma once

// y[t] = table[ids[t]]: the rows of the embedding, with which every forward pass begins.
//
// What this rung changes: one block per token. Its threads copy the row side by side, so that requests are coalesced.

#include "cuda/embedding/embedding.h"
#include "cuda/numbers.h"

namespace rung::cuda {

inline constexpr int embedding_02_threads = 128;

template <typename T>
__global__ void __launch_bounds__(embedding_02_threads)
    embedding_02_kernel(T* y, const T* table, const int* ids, EmbeddingShape shape) {
  const int t = blockIdx.x;
  const T* const from = table + 1LL * ids[t] * shape.table_stride;
  T* const to = y + 1LL * t * shape.y_stride;
  for (int i = threadIdx.x; i < shape.n; i += embedding_02_threads) to[i] = from[i];
}

template <typename T>
void embedding_02(T* y, const T* table, const int* ids, EmbeddingShape shape) {
  const dim3 grid(shape.tokens);
  simt::launch("embedding_02", embedding_02_kernel<T>, {.grid = grid, .block = dim3(embedding_02_threads)}, y,
               table, ids, shape);
}

}  // namespace rung::cuda

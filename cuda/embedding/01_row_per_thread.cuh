#pragma once

// y[t] = table[ids[t]]: the rows of the embedding, with which every forward pass begins.
//
// What this rung does: one thread per token, which copies its row number by number. The 32 threads of a warp are in 32
// different rows at any moment: 32 sectors for 32 numbers.

#include "cuda/embedding/embedding.h"
#include "cuda/numbers.h"

namespace rung::cuda {

inline constexpr int embedding_01_threads = 32;

template <typename T>
__global__ void __launch_bounds__(embedding_01_threads)
    embedding_01_kernel(T* y, const T* table, const int* ids, EmbeddingShape shape) {
  const int t = blockIdx.x * embedding_01_threads + threadIdx.x;
  if (t < shape.tokens) {
    const T* const from = table + 1LL * ids[t] * shape.table_stride;
    T* const to = y + 1LL * t * shape.y_stride;
    for (int i = 0; i < shape.n; ++i) to[i] = from[i];
  }
}

template <typename T>
void embedding_01(T* y, const T* table, const int* ids, EmbeddingShape shape) {
  const dim3 grid((shape.tokens + embedding_01_threads - 1) / embedding_01_threads);
  simt::launch("embedding_01", embedding_01_kernel<T>, {.grid = grid, .block = dim3(embedding_01_threads)}, y,
               table, ids, shape);
}

}  // namespace rung::cuda

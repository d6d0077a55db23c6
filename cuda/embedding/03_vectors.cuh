#pragma once

// y[t] = table[ids[t]]: the rows of the embedding, with which every forward pass begins.
//
// What this rung changes: a thread copies 16 bytes at a time: the same bytes in a quarter of the requests (an eighth, in
// fp16). A row that does not begin at a multiple of 16 bytes on both sides, and what is left over at its end, goes number
// by number.

#include "cuda/embedding/embedding.h"
#include "cuda/numbers.h"
#include "cuda/vector16.h"

namespace rung::cuda {

inline constexpr int embedding_03_threads = 128;

template <typename T>
__global__ void __launch_bounds__(embedding_03_threads)
    embedding_03_kernel(T* y, const T* table, const int* ids, EmbeddingShape shape) {
  constexpr int width = Vector16<T>::size;
  const int t = blockIdx.x;
  const T* const from = table + 1LL * ids[t] * shape.table_stride;
  T* const to = y + 1LL * t * shape.y_stride;
  const int vectors = aligned16(from) && aligned16(to) ? shape.n / width : 0;
  for (int v = threadIdx.x; v < vectors; v += embedding_03_threads)
    store16(to + v * width, load16(from + v * width));
  for (int i = vectors * width + threadIdx.x; i < shape.n; i += embedding_03_threads) to[i] = from[i];
}

template <typename T>
void embedding_03(T* y, const T* table, const int* ids, EmbeddingShape shape) {
  const dim3 grid(shape.tokens);
  simt::launch("embedding_03", embedding_03_kernel<T>, {.grid = grid, .block = dim3(embedding_03_threads)}, y,
               table, ids, shape);
}

}  // namespace rung::cuda

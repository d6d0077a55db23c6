#pragma once

// Attention: out = softmax(scale · q·kᵀ over the keys a query sees) · v, for each query of a batch and each head.
//
// Rung 1, naive: three kernels, one for each operation of the formula. The scores of all queries and keys, [rows,
// heads, keys] in fp32, go to memory and come back three times: with twice the tokens there are four times as many.

#include "cuda/attention/attention.h"
#include "cuda/attention/widths.h"
#include "cuda/reduce.h"

namespace rung::cuda::attention_01 {

constexpr int threads = 128;

/// Scores are [rows of the batch, heads, most_keys].
__device__ inline std::size_t scores_of(const AttentionShape& shape, int row, int head) {
  return (static_cast<std::size_t>(row) * shape.heads + head) * shape.most_keys;
}

/// scores = scale · q·kᵀ, −∞ where a query does not see a key. A thread computes one of them.
template <typename T>
__global__ void __launch_bounds__(threads)
    attention_01_scores_kernel(const T* q, const T* k, float* scores, AttentionShape shape) {
  const AttentionSequence sequence = shape.of_sequence[blockIdx.z / shape.heads];
  const int head = blockIdx.z % shape.heads;
  const int row = blockIdx.y;
  const int key = blockIdx.x * threads + threadIdx.x;
  if (row >= sequence.rows || key >= shape.most_keys) return;
  float score = -INFINITY;
  if (keys_seen(shape, sequence, row).has(key)) {
    const int kv_head = head / (shape.heads / shape.kv_heads);
    const T* const query = vector_of(q, sequence.first_row + row, shape.heads, head, shape.q_stride);
    const T* const of_key = vector_of(k, slot_of(sequence, key), shape.kv_heads, kv_head, shape.k_stride);
    float dot = 0;
    for (int d = 0; d < shape.head_dim; ++d) dot += to_float(query[d]) * to_float(of_key[d]);
    score = shape.scale * dot;
  }
  scores[scores_of(shape, sequence.first_row + row, head) + key] = score;
}

/// Softmax of a row of scores, in place; a row of nothing but −∞ becomes 0. A block takes one row. (Scores are
/// in fp32 whatever T is, which only gives the kernel its name among those of the same call.)
template <typename T>
__global__ void __launch_bounds__(threads)
    attention_01_softmax_kernel(float* scores, float* lse, AttentionShape shape) {
  const AttentionSequence sequence = shape.of_sequence[blockIdx.z];
  const int head = blockIdx.y;
  if (static_cast<int>(blockIdx.x) >= sequence.rows) return;
  const int row = sequence.first_row + static_cast<int>(blockIdx.x);
  float* const of_row = scores + scores_of(shape, row, head);
  float max = -INFINITY;
  for (int key = threadIdx.x; key < shape.most_keys; key += threads) max = fmaxf(max, of_row[key]);
  max = block_max<threads>(max);
  float sum = 0;
  for (int key = threadIdx.x; key < shape.most_keys; key += threads) sum += expf(of_row[key] - base_of(max));
  sum = block_sum<threads>(sum);
  for (int key = threadIdx.x; key < shape.most_keys; key += threads)
    of_row[key] = sum > 0 ? expf(of_row[key] - base_of(max)) / sum : 0;
  if (lse != nullptr && threadIdx.x == 0)
    lse[static_cast<std::size_t>(row) * shape.heads + head] = log_sum_exp(max, sum);
}

/// out = weights · v. A block takes one query's head, a thread some numbers of it.
template <typename T>
__global__ void __launch_bounds__(threads)
    attention_01_values_kernel(const float* weights, const T* v, T* out, AttentionShape shape) {
  const AttentionSequence sequence = shape.of_sequence[blockIdx.z];
  const int head = blockIdx.y;
  const int row = blockIdx.x;
  if (row >= sequence.rows) return;
  const int kv_head = head / (shape.heads / shape.kv_heads);
  const float* const of_row = weights + scores_of(shape, sequence.first_row + row, head);
  T* const result = vector_of(out, sequence.first_row + row, shape.heads, head, shape.out_stride);
  const KeyRange seen =
      keys_seen(shape, sequence, row);  // what nobody sees may hold anything: 0 · NaN is NaN
  for (int d = threadIdx.x; d < shape.head_dim; d += threads) {
    float sum = 0;
    for (int key = seen.first; key < seen.end; ++key) {
      const T* const value = vector_of(v, slot_of(sequence, key), shape.kv_heads, kv_head, shape.v_stride);
      sum += of_row[key] * to_float(value[d]);
    }
    result[d] = from_float<T>(sum);
  }
}

/// @param lse  [rows, heads] log Σ exp(score) of each query and head, or null where nobody wants it
template <typename T>
void run(const T* q, const T* k, const T* v, T* out, float* lse, const AttentionShape& shape) {
  simt::device_buffer<float> scores(static_cast<std::size_t>(shape.rows) * shape.heads * shape.most_keys);
  simt::launch(
      "attention_01_scores", attention_01_scores_kernel<T>,
      {.grid = dim3(tiles_of(shape.most_keys, threads), shape.most_rows, shape.sequences * shape.heads),
       .block = dim3(threads)},
      q, k, scores.data(), shape);
  simt::launch("attention_01_softmax", attention_01_softmax_kernel<T>,
               {.grid = dim3(shape.most_rows, shape.heads, shape.sequences), .block = dim3(threads)},
               scores.data(), lse, shape);
  simt::launch("attention_01_values", attention_01_values_kernel<T>,
               {.grid = dim3(shape.most_rows, shape.heads, shape.sequences), .block = dim3(threads)},
               scores.data(), v, out, shape);
}

}  // namespace rung::cuda::attention_01

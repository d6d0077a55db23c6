#pragma once

// Attention: out = softmax(scale · q·kᵀ over the keys a query sees) · v, for each query of a batch and each head.
//
// What this rung changes (online): one kernel, and no score goes to memory. A warp takes a query and walks over its
// keys once. It keeps the largest score so far, the sum of exp(score − largest) and the sum of exp(score − largest) ·
// value; when a larger score comes, both sums are multiplied by exp(old − new), so that they refer to it.

#include "cuda/attention/attention.h"
#include "cuda/attention/widths.h"
#include "cuda/reduce.h"

namespace rung::cuda::attention_02 {

constexpr int warps = 4;  // of a block, a query each
constexpr int threads = lanes_in_warp * warps;

template <typename T, int width>
__global__ void __launch_bounds__(threads)
    attention_02_kernel(const T* q, const T* k, const T* v, T* out, float* lse, AttentionShape shape) {
  constexpr int own = width / lanes_in_warp;  // numbers of a head that a lane has: lane, lane + 32, …
  const AttentionSequence sequence = shape.of_sequence[blockIdx.z];
  const int head = blockIdx.y;
  const int kv_head = head / (shape.heads / shape.kv_heads);
  const int row = blockIdx.x * warps + threadIdx.x / lanes_in_warp;
  const int lane = threadIdx.x % lanes_in_warp;
  if (row >= sequence.rows) return;  // a whole warp at once, and there is no barrier to miss

  const T* const query = vector_of(q, sequence.first_row + row, shape.heads, head, shape.q_stride);
  float of_query[own];
#pragma unroll
  for (int i = 0; i < own; ++i) {
    const int d = lane + i * lanes_in_warp;
    of_query[i] = d < shape.head_dim ? to_float(query[d]) : 0;
  }

  float max = -INFINITY;
  float sum = 0;
  float result[own] = {};
  const KeyRange seen = keys_seen(shape, sequence, row);
  for (int key = seen.first; key < seen.end; ++key) {
    const int slot = slot_of(sequence, key);
    const T* const of_key = vector_of(k, slot, shape.kv_heads, kv_head, shape.k_stride);
    float dot = 0;
#pragma unroll
    for (int i = 0; i < own; ++i) {
      const int d = lane + i * lanes_in_warp;
      if (d < shape.head_dim) dot += of_query[i] * to_float(of_key[d]);
    }
    const float score = shape.scale * warp_sum(dot);

    const float new_max = fmaxf(max, score);
    const float rescale = expf(max - new_max);  // the first time exp(−∞), which is 0
    const float weight = expf(score - new_max);
    max = new_max;
    sum = sum * rescale + weight;
    const T* const value = vector_of(v, slot, shape.kv_heads, kv_head, shape.v_stride);
#pragma unroll
    for (int i = 0; i < own; ++i) {
      const int d = lane + i * lanes_in_warp;
      if (d < shape.head_dim) result[i] = result[i] * rescale + weight * to_float(value[d]);
    }
  }

  T* const to = vector_of(out, sequence.first_row + row, shape.heads, head, shape.out_stride);
#pragma unroll
  for (int i = 0; i < own; ++i) {
    const int d = lane + i * lanes_in_warp;
    if (d < shape.head_dim) to[d] = from_float<T>(sum > 0 ? result[i] / sum : 0);
  }
  if (lse != nullptr && lane == 0)
    lse[static_cast<std::size_t>(sequence.first_row + row) * shape.heads + head] = log_sum_exp(max, sum);
}

/// @param lse  [rows, heads] log Σ exp(score) of each query and head, or null where nobody wants it
template <typename T>
void run(const T* q, const T* k, const T* v, T* out, float* lse, const AttentionShape& shape) {
  with_width<64, 96, 128, most_head_dim>(shape.head_dim, [&]<int width>() {
    const dim3 grid(tiles_of(shape.most_rows, warps), shape.heads, shape.sequences);
    simt::launch("attention_02", attention_02_kernel<T, width>, {.grid = grid, .block = dim3(threads)}, q, k,
                 v, out, lse, shape);
  });
}

}  // namespace rung::cuda::attention_02

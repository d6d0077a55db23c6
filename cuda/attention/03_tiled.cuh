#pragma once

// Attention: out = softmax(scale · q·kᵀ over the keys a query sees) · v, for each query of a batch and each head.
//
// What this rung changes (tiled; FlashAttention, Dao et al. 2022): a block takes 32 queries of a head and brings keys
// and values, a tile of them at a time, to shared memory, where all 32 use them: they are read from memory 32 times
// less often. The sums are rescaled once for each tile of keys instead of once for each key.
//
// Four lanes share a query. Each computes the scores of every fourth key of the tile, and then every fourth number of
// the result, for which it needs the weights of all four: they meet in shared memory. Rows of the tiles of q and k
// are one number longer than a head, so that one number of neighbouring rows lies in different banks.

#include <algorithm>

#include "cuda/attention/attention.h"
#include "cuda/attention/quads.h"
#include "cuda/attention/widths.h"

namespace rung::cuda::attention_03 {

constexpr int tile_rows = 32;  // queries of a block
constexpr int row_lanes = 4;   // lanes that share a query
constexpr int threads = tile_rows * row_lanes;

template <int width>
constexpr int tile_keys = width <= 128 ? 32 : 16;

/// What a block has in shared memory, in fp32.
template <int width>
struct Tiles {
  float q[tile_rows][width + 1];
  float k[tile_keys<width>][width + 1];
  float v[tile_keys<width>][width];
  float weights[tile_rows]
               [tile_keys<width> + row_lanes];  // a row of 4 lanes begins 4 banks after the one before
};

template <typename T, int width>
__global__ void __launch_bounds__(threads, 4)
    attention_03_kernel(const T* __restrict__ q, const T* __restrict__ k, const T* __restrict__ v,
                        T* __restrict__ out, float* __restrict__ lse, AttentionShape shape) {
  constexpr int keys = tile_keys<width>;
  Tiles<width>& tiles = *simt::dynamic_shared<Tiles<width>>();
  const AttentionSequence sequence = shape.of_sequence[blockIdx.z];
  const int head = blockIdx.y;
  const int kv_head = head / (shape.heads / shape.kv_heads);
  const int first_row = blockIdx.x * tile_rows;
  if (first_row >= sequence.rows) return;  // the whole block
  const int thread = threadIdx.x;
  const int r = thread / row_lanes;  // this thread's query in the tile
  const int part = thread % row_lanes;

  for (int i = thread; i < tile_rows * width; i += threads) {
    const int row = first_row + i / width;
    const int d = i % width;
    const T* const query = vector_of(q, sequence.first_row + row, shape.heads, head, shape.q_stride);
    tiles.q[i / width][d] = row < sequence.rows && d < shape.head_dim ? to_float(query[d]) : 0;
  }

  float max = -INFINITY;
  float sum = 0;  // over this lane's keys
  float result[width / row_lanes] = {};
  const KeyRange seen = keys_seen(shape, sequence, first_row + r);
  const KeyRange seen_by_block = keys_seen(shape, sequence, first_row, tile_rows);
  for (int first_key = seen_by_block.first; first_key < seen_by_block.end; first_key += keys) {
    for (int i = thread; i < keys * width; i += threads) {
      const int key = first_key + i / width;
      const int d = i % width;
      const bool there = key < seen_by_block.end && d < shape.head_dim;
      const int slot = slot_of(sequence, key);
      const T* const of_key = vector_of(k, slot, shape.kv_heads, kv_head, shape.k_stride);
      const T* const value = vector_of(v, slot, shape.kv_heads, kv_head, shape.v_stride);
      tiles.k[i / width][d] = there ? to_float(of_key[d]) : 0;
      tiles.v[i / width][d] = there ? to_float(value[d]) : 0;
    }
    __syncthreads();  // the tiles are complete

    float scores[keys / row_lanes] = {};
#pragma unroll 4
    for (int d = 0; d < width; ++d) {
      const float of_query = tiles.q[r][d];
#pragma unroll
      for (int j = 0; j < keys / row_lanes; ++j) scores[j] += of_query * tiles.k[part + j * row_lanes][d];
    }
    float tile_max = -INFINITY;
#pragma unroll
    for (int j = 0; j < keys / row_lanes; ++j) {
      const int key = first_key + part + j * row_lanes;
      scores[j] = seen.has(key) ? shape.scale * scores[j] : -INFINITY;
      tile_max = fmaxf(tile_max, scores[j]);
    }

    const float new_max = fmaxf(max, quad_max(tile_max));
    const float base = base_of(new_max);
    const float rescale = expf(max - base);  // the first time exp(−∞), which is 0
    max = new_max;
    sum *= rescale;
#pragma unroll
    for (int j = 0; j < keys / row_lanes; ++j) {
      const float weight = expf(scores[j] - base);
      sum += weight;
      tiles.weights[r][part + j * row_lanes] = weight;
    }
    __syncwarp();  // the four lanes of a query are in one warp

#pragma unroll
    for (float& number : result) number *= rescale;
#pragma unroll 4
    for (int j = 0; j < keys; ++j) {
      const float weight = tiles.weights[r][j];
#pragma unroll
      for (int i = 0; i < width / row_lanes; ++i) result[i] += weight * tiles.v[j][part + i * row_lanes];
    }
    __syncthreads();  // nobody reads them any more
  }

  sum = quad_sum(sum);
  const int row = first_row + r;
  if (row >= sequence.rows) return;
  T* const to = vector_of(out, sequence.first_row + row, shape.heads, head, shape.out_stride);
#pragma unroll
  for (int i = 0; i < width / row_lanes; ++i) {
    const int d = part + i * row_lanes;
    if (d < shape.head_dim) to[d] = from_float<T>(sum > 0 ? result[i] / sum : 0);
  }
  if (lse != nullptr && part == 0)
    lse[static_cast<std::size_t>(sequence.first_row + row) * shape.heads + head] = log_sum_exp(max, sum);
}

/// @param lse  [rows, heads] log Σ exp(score) of each query and head, or null where nobody wants it
template <typename T>
void run(const T* q, const T* k, const T* v, T* out, float* lse, const AttentionShape& shape) {
  with_width<64, 80, 96, 128, most_head_dim>(shape.head_dim, [&]<int width>() {
    const dim3 grid(tiles_of(shape.most_rows, tile_rows), shape.heads, shape.sequences);
    simt::launch("attention_03", attention_03_kernel<T, width>,
                 {.grid = grid, .block = dim3(threads), .shared_bytes = sizeof(Tiles<width>)}, q, k, v, out,
                 lse, shape);
  });
}

}  // namespace rung::cuda::attention_03

#pragma once

// Attention: out = softmax(scale · q·kᵀ over the keys a query sees) · v, for each query of a batch and each head.
//
// What this rung changes (double buffered): while one tile of keys and values is multiplied, the next is on its way.
//
// There are two buffers. cp.async copies 16 bytes from memory to shared memory, past the registers, and the thread
// goes on at once. A round waits for its own tile, meets the others, sends for the next tile and multiplies. One
// barrier a round is enough: whoever has passed it knows that all copies of this tile have come, and that the other
// buffer, which is filled next, is read no more.

#include "cuda/attention/attention.h"
#include "cuda/attention/fragments.h"
#include "cuda/attention/quads.h"
#include "cuda/attention/widths.h"
#include "cuda/gemm/copy_chunk.h"
#include "cuda/gemm/store_chunk.h"

namespace rung::cuda::attention_05 {

constexpr int buffers = 2;
constexpr int mma_rows = 16;  // queries of a warp
constexpr int warps = 4;
constexpr int tile_rows = mma_rows * warps;  // queries of a block
constexpr int threads = lanes_in_warp * warps;

template <int width>
constexpr int tile_keys = width <= 128 ? 64 : 32;

template <typename T, int width>
using Row = uint4[width / per_chunk<T>];

template <typename T, int width>
__global__ void __launch_bounds__(threads)
    attention_05_kernel(const T* __restrict__ q, const T* __restrict__ k, const T* __restrict__ v,
                        T* __restrict__ out, float* __restrict__ lse, AttentionShape shape) {
  constexpr int keys = tile_keys<width>;
  constexpr int chunks = width / per_chunk<T>;
  auto* const q_tile = simt::dynamic_shared<Row<T, width>>();  // [tile_rows]
  auto* const k_tiles = q_tile + tile_rows;                    // [buffers][keys]
  auto* const v_tiles = k_tiles + buffers * keys;              // [buffers][keys]
  const AttentionSequence sequence = shape.of_sequence[blockIdx.z];
  const int head = blockIdx.y;
  const int kv_head = head / (shape.heads / shape.kv_heads);
  const int first_row = blockIdx.x * tile_rows;
  if (first_row >= sequence.rows) return;  // the whole block
  const int thread = threadIdx.x;
  const int lane = thread % lanes_in_warp;
  const int g = lane / 4;  // this lane has rows g and g + 8 of its warp's,
  const int t = lane % 4;  // and numbers 2t and 2t + 1 of every eight
  const int warp_row = thread / lanes_in_warp * mma_rows;
  const bool q_aligned = rows_are_aligned(q, shape.q_stride);
  const bool k_aligned = rows_are_aligned(k, shape.k_stride);
  const bool v_aligned = rows_are_aligned(v, shape.v_stride);

  // Sends for a tile of keys and values, as one group of copies; behind the last key that group is empty.
  const KeyRange seen_by_block = keys_seen(shape, sequence, first_row, tile_rows);
  const auto fetch = [&](int buffer, int first_key) {
    for (int i = thread; first_key < seen_by_block.end && i < keys * chunks; i += threads) {
      const int key = first_key + i / chunks;
      const int vector = slot_of(sequence, key) * shape.kv_heads + kv_head;
      const int length = key < seen_by_block.end ? shape.head_dim : 0;
      const int to = buffer * keys + i / chunks;
      copy_chunk(&k_tiles[to][i % chunks], k, vector, shape.k_stride, i % chunks, length, k_aligned);
      copy_chunk(&v_tiles[to][i % chunks], v, vector, shape.v_stride, i % chunks, length, v_aligned);
    }
    ptx::cp_async_commit();
  };
  fetch(0, seen_by_block.first);

  for (int i = thread; i < tile_rows * chunks; i += threads) {
    const int row = first_row + i / chunks;
    const T* const query = vector_of(q, sequence.first_row + row, shape.heads, head, shape.q_stride);
    q_tile[i / chunks][i % chunks] =
        load_chunk(query, i % chunks, row < sequence.rows ? shape.head_dim : 0, q_aligned);
  }
  __syncthreads();

  float max[2] = {-INFINITY, -INFINITY};  // of rows g and g + 8
  float sum[2] = {};                      // over this lane's keys
  float result[width / 8][4] = {};
  const KeyRange seen[2] = {keys_seen(shape, sequence, first_row + warp_row + g),
                            keys_seen(shape, sequence, first_row + warp_row + g + 8)};
  const KeyRange seen_by_warp = keys_seen(shape, sequence, first_row + warp_row, mma_rows);
  int buffer = 0;
  for (int first_key = seen_by_block.first; first_key < seen_by_block.end; first_key += keys) {
    ptx::cp_async_wait<0>();  // this thread's part of the tiles has come
    __syncthreads();          // and everybody else's; the tiles before them are read no more
    fetch(1 - buffer, first_key + keys);
    const auto* const k_tile = k_tiles + buffer * keys;
    const auto* const v_tile = v_tiles + buffer * keys;

    if (first_key < seen_by_warp.end && first_key + keys > seen_by_warp.first) {
      float scores[keys / 8][4] = {};
#pragma unroll
      for (int d = 0; d < width / 16; ++d) {
        const uint4* const upper = q_tile[warp_row + g];
        const uint4* const lower = q_tile[warp_row + g + 8];
        const unsigned queries[4] = {pair_of(upper, d * 8 + t), pair_of(lower, d * 8 + t),
                                     pair_of(upper, d * 8 + t + 4), pair_of(lower, d * 8 + t + 4)};
#pragma unroll
        for (int j = 0; j < keys / 8; ++j) {
          const uint4* const of_key = k_tile[j * 8 + g];
          const unsigned of_keys[2] = {pair_of(of_key, d * 8 + t), pair_of(of_key, d * 8 + t + 4)};
          multiply<T>(scores[j], queries, of_keys);
        }
      }

#pragma unroll
      for (int half = 0; half < 2; ++half) {
        float tile_max = -INFINITY;
#pragma unroll
        for (int j = 0; j < keys / 8; ++j) {
#pragma unroll
          for (int e = 0; e < 2; ++e) {
            float& score = scores[j][half * 2 + e];
            score = seen[half].has(first_key + j * 8 + t * 2 + e) ? shape.scale * score : -INFINITY;
            tile_max = fmaxf(tile_max, score);
          }
        }
        const float new_max = fmaxf(max[half], quad_max(tile_max));
        const float base = base_of(new_max);
        const float rescale = expf(max[half] - base);  // the first time exp(−∞), which is 0
        max[half] = new_max;
        sum[half] *= rescale;
#pragma unroll
        for (int j = 0; j < keys / 8; ++j) {
#pragma unroll
          for (int e = 0; e < 2; ++e) {
            float& weight = scores[j][half * 2 + e];
            weight = expf(weight - base);
            sum[half] += weight;
          }
        }
#pragma unroll
        for (int n = 0; n < width / 8; ++n) {
          result[n][half * 2] *= rescale;
          result[n][half * 2 + 1] *= rescale;
        }
      }

#pragma unroll
      for (int j = 0; j < keys / 16; ++j) {
        unsigned weights[4];
        as_factor<T>(weights, scores[j * 2], scores[j * 2 + 1]);
#pragma unroll
        for (int n = 0; n < width / 8; ++n) {
          const auto* const first = &v_tile[j * 16 + t * 2];  // keys 2t and 2t + 1, then 8 further
          const unsigned values[2] = {pair_of(first[0], first[1], n * 8 + g),
                                      pair_of(first[8], first[9], n * 8 + g)};
          multiply<T>(result[n], weights, values);
        }
      }
    }
    buffer = 1 - buffer;
  }

  // Results go where the warp's queries were, and from there, 16 bytes a lane, row by row to memory.
#pragma unroll
  for (int half = 0; half < 2; ++half) {
    const int row = warp_row + g + half * 8;
    sum[half] = quad_sum(sum[half]);
    const float share = sum[half] > 0 ? 1 / sum[half] : 0;
    auto* const numbers = reinterpret_cast<unsigned*>(q_tile[row]);
#pragma unroll
    for (int n = 0; n < width / 8; ++n)
      numbers[n * 4 + t] = packed<T>(result[n][half * 2] * share, result[n][half * 2 + 1] * share);
    if (lse != nullptr && t == 0 && first_row + row < sequence.rows)
      lse[static_cast<std::size_t>(sequence.first_row + first_row + row) * shape.heads + head] =
          log_sum_exp(max[half], sum[half]);
  }
  __syncwarp();  // the results are there
  const bool out_aligned = rows_are_aligned(out, shape.out_stride);
  for (int i = lane; i < mma_rows * chunks; i += lanes_in_warp) {
    const int row = warp_row + i / chunks;
    if (first_row + row >= sequence.rows) break;
    T numbers[per_chunk<T>];
    memcpy(numbers, &q_tile[row][i % chunks], sizeof(numbers));
    T* const to = vector_of(out, sequence.first_row + first_row + row, shape.heads, head, shape.out_stride);
    store_chunk(to, i % chunks * per_chunk<T>, shape.head_dim, numbers, out_aligned);
  }
}

/// For fp16 and bf16. @param lse  [rows, heads] log Σ exp(score) of each query and head, or null where nobody wants it
template <typename T>
requires(sizeof(T) == 2) void run(const T* q, const T* k, const T* v, T* out, float* lse,
                                  const AttentionShape& shape) {
  with_width<64, 80, 96, 128, most_head_dim>(shape.head_dim, [&]<int width>() {
    const dim3 grid(tiles_of(shape.most_rows, tile_rows), shape.heads, shape.sequences);
    const std::size_t bytes = (tile_rows + 2 * buffers * tile_keys<width>)*sizeof(Row<T, width>);
    simt::launch("attention_05", attention_05_kernel<T, width>,
                 {.grid = grid, .block = dim3(threads), .shared_bytes = bytes}, q, k, v, out, lse, shape);
  });
}

}  // namespace rung::cuda::attention_05

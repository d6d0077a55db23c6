// Exercise 15.3: a kernel with tiles of keys and values in shared memory. What tiled_attention must do stands in
// chapters/15_flash_attention/tiled_attention.h, what a prompt is in prompt.h.
//
// This file takes the place of chapters/15_flash_attention/tiled_attention.cpp, so it must define what that one does.
// Given are the launch, where a block's keys begin and end, the tiles, and what four lanes tell each other. A block takes
// 32 queries of a head, four neighbouring lanes share a query, and a round takes 16 keys.

#include "chapters/15_flash_attention/tiled_attention.h"

#include "core/error.h"

namespace rung {
namespace {

constexpr int tile_rows = 32;  // queries of a block
constexpr int tile_keys = 16;  // keys of a round
constexpr int row_lanes = 4;   // lanes that share a query
constexpr int threads = tile_rows * row_lanes;
constexpr int most_numbers = 64;  // of a head

/// What a block has in shared memory.
struct Tiles {
  float q[tile_rows][most_numbers + 1];
  float k[tile_keys][most_numbers + 1];
  float v[tile_keys][most_numbers];
  float weights[tile_rows][tile_keys + row_lanes];
};

/// The keys that row `row` of the prompt sees: first … end − 1; none where there is no such row.
struct Keys {
  int first, end;
};
[[maybe_unused]] __device__ Keys keys_of(const Prompt& prompt, int row) {
  if (row >= prompt.rows) return {0, 0};
  const int position = prompt.past + row;
  return {prompt.window > 0 ? max(position - prompt.window + 1, 0) : 0, position + 1};
}

/// The largest, and the sum, of the values of the four lanes that share a query, in each of them. All 32 lanes of a warp
/// take part.
[[maybe_unused]] __device__ float largest_of_four(float value) {
  value = fmaxf(value, __shfl_xor_sync(0xffffffff, value, 1));
  return fmaxf(value, __shfl_xor_sync(0xffffffff, value, 2));
}
[[maybe_unused]] __device__ float sum_of_four(float value) {
  value += __shfl_xor_sync(0xffffffff, value, 1);
  return value + __shfl_xor_sync(0xffffffff, value, 2);
}

__global__ void __launch_bounds__(threads)
    tiled_attention_kernel(const float* q, const float* k, const float* v, float* out, Prompt prompt) {
  __shared__ Tiles tiles;
  const int thread = static_cast<int>(threadIdx.x);
  const int head = static_cast<int>(blockIdx.y);
  const int first_row = static_cast<int>(blockIdx.x) * tile_rows;
  const int begin = keys_of(prompt, first_row).first;  // the keys that the block goes over
  const int end = keys_of(prompt, min(first_row + tile_rows, prompt.rows) - 1).end;
  const int kv_head = head / (prompt.heads / prompt.kv_heads);
  const int r = thread / row_lanes;
  const int part = thread % row_lanes;
  const int width = prompt.head_dim;

  for (int i = thread; i < tile_rows * width; i += threads) {
    const int row = first_row + i / width;
    tiles.q[i / width][i % width] =
        row < prompt.rows ? q[(row * prompt.heads + head) * width + i % width] : 0;
  }
  const Keys seen = keys_of(prompt, first_row + r);
  float largest = -INFINITY;
  float sum = 0;
  float result[most_numbers / row_lanes] = {};
  for (int first_key = begin; first_key < end; first_key += tile_keys) {
    for (int i = thread; i < tile_keys * width; i += threads) {
      const int key = first_key + i / width;
      const int at = (key * prompt.kv_heads + kv_head) * width + i % width;
      tiles.k[i / width][i % width] = key < end ? k[at] : 0;
      tiles.v[i / width][i % width] = key < end ? v[at] : 0;
    }
    __syncthreads();  // the tiles are filled

    float scores[tile_keys / row_lanes] = {};
    float tile_largest = -INFINITY;
    for (int j = 0; j < tile_keys / row_lanes; ++j) {
      const int key = part + j * row_lanes;
      for (int d = 0; d < width; ++d) scores[j] += tiles.q[r][d] * tiles.k[key][d];
      const bool sees = first_key + key >= seen.first && first_key + key < seen.end;
      scores[j] = sees ? prompt.scale * scores[j] : -INFINITY;
      tile_largest = fmaxf(tile_largest, scores[j]);
    }
    const float new_largest = fmaxf(largest, largest_of_four(tile_largest));
    const float base = new_largest == -INFINITY ? 0 : new_largest;
    const float rescale = expf(largest - base);
    largest = new_largest;
    sum *= rescale;
    for (int j = 0; j < tile_keys / row_lanes; ++j) {
      const float weight = expf(scores[j] - base);
      sum += weight;
      tiles.weights[r][part + j * row_lanes] = weight;
    }
    __syncwarp();  // the weights of the other three lanes are there
    for (int i = 0; part + i * row_lanes < width; ++i) {
      result[i] *= rescale;
      for (int j = 0; j < tile_keys; ++j) result[i] += tiles.weights[r][j] * tiles.v[j][part + i * row_lanes];
    }
    __syncthreads();  // nobody reads the tiles any more
  }
  sum = sum_of_four(sum);
  if (first_row + r >= prompt.rows) return;
  for (int i = 0; part + i * row_lanes < width; ++i) {
    out[((first_row + r) * prompt.heads + head) * width + part + i * row_lanes] =
        sum > 0 ? result[i] / sum : 0;
  }
}

}  // namespace

void tiled_attention(const float* q, const float* k, const float* v, float* out, const Prompt& prompt) {
  const dim3 grid((prompt.rows + tile_rows - 1) / tile_rows, prompt.heads);
  simt::launch("tiled_attention", tiled_attention_kernel, {.grid = grid, .block = dim3(threads)}, q, k, v,
               out, prompt);
}

}  // namespace rung

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

/// What a block has in shared memory. A head may have fewer numbers than a row has room for: nobody has set the rest.
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
  // The queries to shared memory. Then for each tile of keys from `begin` on: load, __syncthreads(), scores, mask, largest,
  // rescale, weights, __syncwarp(), values, __syncthreads(). At the end the division and the store.
}

}  // namespace

void tiled_attention(const float* q, const float* k, const float* v, float* out, const Prompt& prompt) {
  throw Error(
      ErrorKind::bad_input,
      "tiled_attention is not written yet: chapters/15_flash_attention/exercises/README.md, exercise 15.3");
  const dim3 grid((prompt.rows + tile_rows - 1) / tile_rows, prompt.heads);
  simt::launch("tiled_attention", tiled_attention_kernel, {.grid = grid, .block = dim3(threads)}, q, k, v,
               out, prompt);
}

}  // namespace rung

// Exercise 15.2: a kernel in which a warp walks over a query's keys. What online_attention must do stands in
// chapters/15_flash_attention/online_attention.h, what a prompt is in prompt.h.
//
// This file takes the place of chapters/15_flash_attention/online_attention.cpp, so it must define what that one does.
// The launch and the sum over a warp are given: blocks of 4 warps, a warp for each query of a head.

#include "chapters/15_flash_attention/online_attention.h"

#include "core/error.h"

namespace rung {
namespace {

constexpr int lanes = 32;
constexpr int warps = 4;          // of a block
constexpr int own = 128 / lanes;  // numbers of a head that a lane has: lane, lane + 32, lane + 64, lane + 96

/// The sum of a warp's values, in each of its lanes. All 32 take part.
[[maybe_unused]] __device__ float sum_of_warp(float value) {
  for (int apart = lanes / 2; apart > 0; apart /= 2) value += __shfl_xor_sync(0xffffffff, value, apart);
  return value;
}

__global__ void __launch_bounds__(lanes* warps)
    online_attention_kernel(const float* q, const float* k, const float* v, float* out, Prompt prompt) {
  const int row = static_cast<int>(blockIdx.x) * warps + static_cast<int>(threadIdx.x) / lanes;
  const int head = static_cast<int>(blockIdx.y);
  const int lane = static_cast<int>(threadIdx.x) % lanes;
  if (row >= prompt.rows) return;
  const int kv_head = head / (prompt.heads / prompt.kv_heads);
  const float* const query = q + (row * prompt.heads + head) * prompt.head_dim;
  const int position = prompt.past + row;
  const int first = prompt.window > 0 ? max(position - prompt.window + 1, 0) : 0;
  float largest = -INFINITY;
  float sum = 0;
  float result[own] = {};
  for (int key = first; key <= position; ++key) {
    const int at = (key * prompt.kv_heads + kv_head) * prompt.head_dim;
    float product = 0;
    for (int d = lane; d < prompt.head_dim; d += lanes) product += query[d] * k[at + d];
    const float score = prompt.scale * sum_of_warp(product);
    const float new_largest = fmaxf(largest, score);
    const float rescale = expf(largest - new_largest);
    const float weight = expf(score - new_largest);
    largest = new_largest;
    sum = sum * rescale + weight;
    for (int i = 0; i < own; ++i) {
      const int d = lane + i * lanes;
      if (d < prompt.head_dim) result[i] = result[i] * rescale + weight * v[at + d];
    }
  }
  for (int i = 0; i < own; ++i) {
    const int d = lane + i * lanes;
    if (d < prompt.head_dim) out[(row * prompt.heads + head) * prompt.head_dim + d] = result[i] / sum;
  }
}

}  // namespace

void online_attention(const float* q, const float* k, const float* v, float* out, const Prompt& prompt) {
  const dim3 grid((prompt.rows + warps - 1) / warps, prompt.heads);
  simt::launch("online_attention", online_attention_kernel, {.grid = grid, .block = dim3(lanes * warps)}, q,
               k, v, out, prompt);
}

}  // namespace rung

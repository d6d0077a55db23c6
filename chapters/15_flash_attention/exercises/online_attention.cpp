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
  // This warp's query and lane. Which keys does the query see? For each: a score, a new largest score, a rescale, a weight;
  // at the end the division and the store.
}

}  // namespace

void online_attention(const float* q, const float* k, const float* v, float* out, const Prompt& prompt) {
  throw Error(
      ErrorKind::bad_input,
      "online_attention is not written yet: chapters/15_flash_attention/exercises/README.md, exercise 15.2");
  const dim3 grid((prompt.rows + warps - 1) / warps, prompt.heads);
  simt::launch("online_attention", online_attention_kernel, {.grid = grid, .block = dim3(lanes * warps)}, q,
               k, v, out, prompt);
}

}  // namespace rung

// Exercise 15.4: attention whose scores and weights stay in registers. What mma_attention must do stands in
// chapters/15_flash_attention/mma_attention.h.
//
// This file takes the place of chapters/15_flash_attention/mma_attention.cpp, so it must define what that one does. The
// launch, the scores and the pairs are given.

#include "chapters/15_flash_attention/mma_attention.h"

#include "core/error.h"
#include "cuda/gemm/quad.h"
#include "cuda/simt/ptx.h"

namespace rung {
namespace {

/// Two neighbouring halves, the first in the lower bits.
__device__ unsigned pair_at(const half* numbers) {
  return *reinterpret_cast<const unsigned*>(numbers);
}

/// Two halves that lie `apart` numbers apart, as a register holds them.
[[maybe_unused]] __device__ unsigned pair_at(const half* numbers, int apart) {
  return cuda::packed<half>(__half2float(numbers[0]), __half2float(numbers[apart]));
}

__global__ void __launch_bounds__(32)
    mma_attention_kernel(const half* q, const half* k, const half* v, float* out, float scale) {
  const int g = static_cast<int>(threadIdx.x) / 4;
  const int t = static_cast<int>(threadIdx.x) % 4;
  const unsigned queries[4] = {pair_at(q + g * 16 + 2 * t), pair_at(q + (g + 8) * 16 + 2 * t),
                               pair_at(q + g * 16 + 2 * t + 8), pair_at(q + (g + 8) * 16 + 2 * t + 8)};
  // Of keys 0 … 7 and of keys 8 … 15: of row g the keys 2t and 2t + 1, then the same of row g + 8.
  float scores[2][4] = {};
  for (int j = 0; j < 2; ++j) {
    const half* const key = k + (j * 8 + g) * 16;
    const unsigned keys[2] = {pair_at(key + 2 * t), pair_at(key + 2 * t + 8)};
    ptx::mma_m16n8k16(scores[j], queries, keys);
  }

  // Scale; the largest of each row, of which four lanes have four scores each; weights and their sum. Then the weights as
  // the first factor, the values as the second, one more mma, the division and the store.
}

}  // namespace

void mma_attention(const half* q, const half* k, const half* v, float* out, float scale) {
  throw Error(
      ErrorKind::bad_input,
      "mma_attention is not written yet: chapters/15_flash_attention/exercises/README.md, exercise 15.4");
  simt::launch("mma_attention", mma_attention_kernel, {.block = dim3(32)}, q, k, v, out, scale);
}

}  // namespace rung

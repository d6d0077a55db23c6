#include "chapters/15_flash_attention/mma_attention.h"

#include "cuda/attention/quads.h"
#include "cuda/gemm/quad.h"
#include "cuda/simt/ptx.h"

namespace rung {
namespace {

/// Two neighbouring halves, the first in the lower bits.
__device__ unsigned pair_at(const half* numbers) {
  return *reinterpret_cast<const unsigned*>(numbers);
}

/// Two halves that lie `apart` numbers apart, as a register holds them.
__device__ unsigned pair_at(const half* numbers, int apart) {
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

  float sum[2];  // of rows g and g + 8
  for (int row = 0; row < 2; ++row) {
    float max = -INFINITY;
    for (int j = 0; j < 2; ++j) {
      for (int e = 0; e < 2; ++e) {
        scores[j][row * 2 + e] *= scale;
        max = fmaxf(max, scores[j][row * 2 + e]);
      }
    }
    max = cuda::quad_max(max);
    sum[row] = 0;
    for (int j = 0; j < 2; ++j) {
      for (int e = 0; e < 2; ++e) {
        float& weight = scores[j][row * 2 + e];
        weight = expf(weight - max);
        sum[row] += weight;
      }
    }
    sum[row] = cuda::quad_sum(sum[row]);
  }

  // What a lane has of the weights is what it must have of the first factor.
  const unsigned weights[4] = {
      cuda::packed<half>(scores[0][0], scores[0][1]), cuda::packed<half>(scores[0][2], scores[0][3]),
      cuda::packed<half>(scores[1][0], scores[1][1]), cuda::packed<half>(scores[1][2], scores[1][3])};
  const half* const value = v + 2 * t * 8 + g;  // number g of key 2t
  const unsigned values[2] = {pair_at(value, 8), pair_at(value + 8 * 8, 8)};
  float result[4] = {};
  ptx::mma_m16n8k16(result, weights, values);
  for (int i = 0; i < 4; ++i) out[(g + i / 2 * 8) * 8 + 2 * t + i % 2] = result[i] / sum[i / 2];
}

}  // namespace

void mma_attention(const half* q, const half* k, const half* v, float* out, float scale) {
  simt::launch("mma_attention", mma_attention_kernel, {.block = dim3(32)}, q, k, v, out, scale);
}

}  // namespace rung

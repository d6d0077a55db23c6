#include "chapters/14_gemm/mma_tile.h"

#include "cuda/simt/ptx.h"

namespace rung {
namespace {

/// Two neighbouring halves, the first in the lower bits.
__device__ unsigned pair_at(const half* numbers) {
  return *reinterpret_cast<const unsigned*>(numbers);
}

/// Lane l holds, with g = l / 4 and t = l % 4, what the PTX ISA says of mma.m16n8k16: pairs of neighbours along k of A
/// and W, pairs of neighbours along n of C.
__global__ void __launch_bounds__(32) mma_tile_kernel(const half* a, const half* w, float* c) {
  const int g = static_cast<int>(threadIdx.x) / 4;
  const int t = static_cast<int>(threadIdx.x) % 4;
  // Down the rows first, then along k.
  const unsigned a_pairs[4] = {pair_at(a + g * 16 + 2 * t), pair_at(a + (g + 8) * 16 + 2 * t),
                               pair_at(a + g * 16 + 2 * t + 8), pair_at(a + (g + 8) * 16 + 2 * t + 8)};
  // A row of W is a column of Wᵀ.
  const unsigned w_pairs[2] = {pair_at(w + g * 16 + 2 * t), pair_at(w + g * 16 + 2 * t + 8)};
  float sums[4] = {};
  ptx::mma_m16n8k16(sums, a_pairs, w_pairs);
  for (int i = 0; i < 4; ++i) {
    const int row = g + i / 2 * 8;
    const int column = 2 * t + i % 2;
    c[row * 8 + column] = sums[i];
  }
}

}  // namespace

void mma_tile(const half* a, const half* w, float* c) {
  simt::launch("mma_tile", mma_tile_kernel, {.block = dim3(32)}, a, w, c);
}

}  // namespace rung

#pragma once

#include <cstring>

#include "cuda/gemm/shape.h"

namespace rung::cuda {

/// Two sums, rounded to 16 bits each, in the order of memory.
template <typename T>
__device__ unsigned packed(float first, float second) {
  const T numbers[2] = {from_float<T>(first), from_float<T>(second)};
  unsigned bits;
  memcpy(&bits, numbers, sizeof(bits));
  return bits;
}

/// Four neighbouring lanes t = 0 … 3 with four registers each: what register j of lane t held is then in register t of
/// lane j. Each lane first swaps with the one next to it, then with the one two further.
__device__ inline void transpose_in_quad(unsigned (&registers)[4], int t) {
#pragma unroll
  for (int apart = 1; apart <= 2; apart *= 2) {
    const bool upper = (t & apart) != 0;
#pragma unroll
    for (int j = 0; j < 4; ++j) {
      if ((j & apart) != 0) continue;
      unsigned& first = registers[j];
      unsigned& second = registers[j + apart];
      const unsigned got = __shfl_xor_sync(0xffffffff, upper ? first : second, apart);
      (upper ? first : second) = got;
    }
  }
}

}  // namespace rung::cuda

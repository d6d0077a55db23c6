#pragma once

// y = silu(gate) · up: the gate between the two matrix products of a feed-forward block.
//
// What this rung changes: both operations in one kernel. silu(gate) stays in a register between them, so that only
// gate, up and y go through memory, and it is not rounded in between.

#include "cuda/numbers.h"
#include "cuda/swiglu/swiglu.h"

namespace rung::cuda {

inline constexpr int swiglu_02_threads = 128;

template <typename T>
__global__ void __launch_bounds__(swiglu_02_threads)
    swiglu_02_kernel(T* y, const T* gate, const T* up, SwigluShape shape) {
  const int r = blockIdx.x;
  const int i = blockIdx.y * swiglu_02_threads + threadIdx.x;
  if (i < shape.n) {
    const float s = silu(to_float(gate[1LL * r * shape.gate_stride + i]));
    y[1LL * r * shape.y_stride + i] = from_float<T>(s * to_float(up[1LL * r * shape.up_stride + i]));
  }
}

template <typename T>
void swiglu_02(T* y, const T* gate, const T* up, SwigluShape shape) {
  constexpr int columns = swiglu_02_threads;  // of a block
  const dim3 grid(shape.rows, (shape.n + columns - 1) / columns);
  simt::launch("swiglu_02", swiglu_02_kernel<T>, {.grid = grid, .block = dim3(swiglu_02_threads)}, y, gate,
               up, shape);
}

}  // namespace rung::cuda

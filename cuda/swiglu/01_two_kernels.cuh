#pragma once

// y = silu(gate) · up: the gate between the two matrix products of a feed-forward block.
//
// What this rung does: one kernel per operation, as a framework does that runs op by op. silu(gate) is written to memory
// by the first kernel and read again by the second: five arrays go through memory where three would do.

#include "cuda/numbers.h"
#include "cuda/swiglu/swiglu.h"

namespace rung::cuda {

inline constexpr int swiglu_01_threads = 128;

template <typename T>
__global__ void __launch_bounds__(swiglu_01_threads)
    swiglu_01_silu_kernel(T* y, const T* gate, SwigluShape shape) {
  const int r = blockIdx.x;
  const int i = blockIdx.y * swiglu_01_threads + threadIdx.x;
  if (i < shape.n) {
    y[1LL * r * shape.n + i] = from_float<T>(silu(to_float(gate[1LL * r * shape.gate_stride + i])));
  }
}

template <typename T>
__global__ void __launch_bounds__(swiglu_01_threads)
    swiglu_01_product_kernel(T* y, const T* silu_of_gate, const T* up, SwigluShape shape) {
  const int r = blockIdx.x;
  const int i = blockIdx.y * swiglu_01_threads + threadIdx.x;
  if (i < shape.n) {
    const float s = to_float(silu_of_gate[1LL * r * shape.n + i]);
    y[1LL * r * shape.y_stride + i] = from_float<T>(s * to_float(up[1LL * r * shape.up_stride + i]));
  }
}

template <typename T>
void swiglu_01(T* y, const T* gate, const T* up, SwigluShape shape) {
  constexpr int columns = swiglu_01_threads;  // of a block
  const dim3 grid(shape.rows, (shape.n + columns - 1) / columns);
  simt::device_buffer<T> silu_of_gate(1ULL * shape.rows * shape.n);  // [rows, n]
  simt::launch("swiglu_01 silu", swiglu_01_silu_kernel<T>, {.grid = grid, .block = dim3(swiglu_01_threads)},
               silu_of_gate.data(), gate, shape);
  simt::launch("swiglu_01 product", swiglu_01_product_kernel<T>,
               {.grid = grid, .block = dim3(swiglu_01_threads)}, y, silu_of_gate.data(), up, shape);
  simt::synchronize();  // before the buffer is given back
}

}  // namespace rung::cuda

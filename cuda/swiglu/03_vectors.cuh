#pragma once

// y = silu(gate) · up: the gate between the two matrix products of a feed-forward block.
//
// What this rung changes: a thread loads 16 bytes at a time. The bytes are the same, in a quarter of the requests (an
// eighth, in fp16). A row that does not begin at a multiple of 16 bytes in all three arrays, and what is left over at
// the end of a row, goes number by number.

#include "cuda/numbers.h"
#include "cuda/swiglu/swiglu.h"
#include "cuda/vector16.h"

namespace rung::cuda {

inline constexpr int swiglu_03_threads = 128;

template <typename T>
__global__ void __launch_bounds__(swiglu_03_threads)
    swiglu_03_kernel(T* y, const T* gate, const T* up, SwigluShape shape) {
  constexpr int width = Vector16<T>::size;
  const T* const gate_row = gate + 1LL * blockIdx.x * shape.gate_stride;
  const T* const up_row = up + 1LL * blockIdx.x * shape.up_stride;
  T* const y_row = y + 1LL * blockIdx.x * shape.y_stride;
  const int first = (blockIdx.y * swiglu_03_threads + threadIdx.x) * width;

  if (first + width <= shape.n && aligned16(gate_row) && aligned16(up_row) && aligned16(y_row)) {
    const Vector16<T> gate16 = load16(gate_row + first);
    const Vector16<T> up16 = load16(up_row + first);
    Vector16<T> y16;
    for (int e = 0; e < width; ++e) {
      y16.of[e] = from_float<T>(silu(to_float(gate16.of[e])) * to_float(up16.of[e]));
    }
    store16(y_row + first, y16);
  } else {
    for (int i = first; i < min(first + width, shape.n); ++i) {
      y_row[i] = from_float<T>(silu(to_float(gate_row[i])) * to_float(up_row[i]));
    }
  }
}

template <typename T>
void swiglu_03(T* y, const T* gate, const T* up, SwigluShape shape) {
  constexpr int columns = swiglu_03_threads * Vector16<T>::size;  // of a block
  const dim3 grid(shape.rows, (shape.n + columns - 1) / columns);
  simt::launch("swiglu_03", swiglu_03_kernel<T>, {.grid = grid, .block = dim3(swiglu_03_threads)}, y, gate,
               up, shape);
}

}  // namespace rung::cuda

#pragma once

// y = a + b: the sum with which every layer of a transformer ends (x + attention(x)).
//
// What this rung does: it deals out the work as one would to the threads of a CPU. Each thread gets a piece of
// consecutive columns and adds one after the other. At any moment the 32 threads of a warp are then at 32 places that are
// a piece apart, and each place costs a sector of 32 bytes of which 4 are wanted.

#include "cuda/add/add.h"
#include "cuda/numbers.h"

namespace rung::cuda {

inline constexpr int add_01_threads = 32;
inline constexpr int add_01_piece = 16;  // columns of a thread

template <typename T>
__global__ void __launch_bounds__(add_01_threads)
    add_01_kernel(T* y, const T* a, const T* b, AddShape shape) {
  const int r = blockIdx.x;
  const int first = (blockIdx.y * add_01_threads + threadIdx.x) * add_01_piece;
  const int last = min(first + add_01_piece, shape.n);
  for (int i = first; i < last; ++i) {
    const float sum = to_float(a[1LL * r * shape.a_stride + i]) + to_float(b[1LL * r * shape.b_stride + i]);
    y[1LL * r * shape.y_stride + i] = from_float<T>(sum);
  }
}

template <typename T>
void add_01(T* y, const T* a, const T* b, AddShape shape) {
  constexpr int columns = add_01_threads * add_01_piece;  // of a block
  const dim3 grid(shape.rows, (shape.n + columns - 1) / columns);
  simt::launch("add_01", add_01_kernel<T>, {.grid = grid, .block = dim3(add_01_threads)}, y, a, b, shape);
}

}  // namespace rung::cuda

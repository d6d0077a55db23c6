#pragma once

// y = a + b: the sum with which every layer of a transformer ends (x + attention(x)).
//
// What this rung changes: a thread loads 16 bytes at a time. The bytes are the same, in a quarter of the requests (an
// eighth, in fp16). A row that does not begin at a multiple of 16 bytes in all three arrays, and what is left over at
// the end of a row, goes number by number.

#include "cuda/add/add.h"
#include "cuda/numbers.h"
#include "cuda/vector16.h"

namespace rung::cuda {

inline constexpr int add_03_threads = 128;

template <typename T>
__global__ void __launch_bounds__(add_03_threads)
    add_03_kernel(T* y, const T* a, const T* b, AddShape shape) {
  constexpr int width = Vector16<T>::size;
  const T* const a_row = a + 1LL * blockIdx.x * shape.a_stride;
  const T* const b_row = b + 1LL * blockIdx.x * shape.b_stride;
  T* const y_row = y + 1LL * blockIdx.x * shape.y_stride;
  const int first = (blockIdx.y * add_03_threads + threadIdx.x) * width;

  if (first + width <= shape.n && aligned16(a_row) && aligned16(b_row) && aligned16(y_row)) {
    const Vector16<T> a16 = load16(a_row + first);
    const Vector16<T> b16 = load16(b_row + first);
    Vector16<T> y16;
    for (int e = 0; e < width; ++e) y16.of[e] = from_float<T>(to_float(a16.of[e]) + to_float(b16.of[e]));
    store16(y_row + first, y16);
  } else {
    for (int i = first; i < min(first + width, shape.n); ++i) {
      y_row[i] = from_float<T>(to_float(a_row[i]) + to_float(b_row[i]));
    }
  }
}

template <typename T>
void add_03(T* y, const T* a, const T* b, AddShape shape) {
  constexpr int columns = add_03_threads * Vector16<T>::size;  // of a block
  const dim3 grid(shape.rows, (shape.n + columns - 1) / columns);
  simt::launch("add_03", add_03_kernel<T>, {.grid = grid, .block = dim3(add_03_threads)}, y, a, b, shape);
}

}  // namespace rung::cuda

#pragma once

// Exercise 13: see README.md. The harness, the checker and the counters: ./rung kernels --file THIS_FILE --op add

#include "cuda/add/add.h"
#include "cuda/numbers.h"
#include "cuda/reduce.h"
#include "cuda/vector16.h"

namespace rung::cuda {

template <typename T>
__global__ void __launch_bounds__(128) my_add_kernel(T* y, const T* a, const T* b, AddShape shape) {
  // Here. Until then nothing is written, and the harness says so.
  (void)y;
  (void)a;
  (void)b;
  (void)shape;
}

template <typename T>
void add(T* y, const T* a, const T* b, AddShape shape) {
  simt::launch("my_add", my_add_kernel<T>,
               {.grid = dim3(shape.rows, (shape.n + 127) / 128), .block = dim3(128)}, y, a, b, shape);
}

}  // namespace rung::cuda

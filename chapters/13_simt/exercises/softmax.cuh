#pragma once

// Exercise 13: see README.md. The harness, the checker and the counters: ./rung kernels --file THIS_FILE --op softmax

#include "cuda/numbers.h"
#include "cuda/reduce.h"
#include "cuda/softmax/softmax.h"
#include "cuda/vector16.h"

namespace rung::cuda {

template <typename T>
__global__ void __launch_bounds__(128) my_softmax_kernel(T* y, const T* x, SoftmaxShape shape) {
  // Here. Until then nothing is written, and the harness says so.
  (void)y;
  (void)x;
  (void)shape;
}

template <typename T>
void softmax(T* y, const T* x, SoftmaxShape shape) {
  simt::launch("my_softmax", my_softmax_kernel<T>, {.grid = dim3(shape.rows), .block = dim3(128)}, y, x,
               shape);
}

}  // namespace rung::cuda

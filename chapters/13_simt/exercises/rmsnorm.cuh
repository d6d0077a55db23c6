#pragma once

// Exercise 13: see README.md. The harness, the checker and the counters: ./rung kernels --file THIS_FILE --op rmsnorm

#include "cuda/numbers.h"
#include "cuda/reduce.h"
#include "cuda/rmsnorm/rmsnorm.h"
#include "cuda/vector16.h"

namespace rung::cuda {

template <typename T>
__global__ void __launch_bounds__(128)
    my_rmsnorm_kernel(T* y, const T* x, const T* weight, RmsNormShape shape) {
  // Here. Until then nothing is written, and the harness says so.
  (void)y;
  (void)x;
  (void)weight;
  (void)shape;
}

template <typename T>
void rmsnorm(T* y, const T* x, const T* weight, RmsNormShape shape) {
  simt::launch("my_rmsnorm", my_rmsnorm_kernel<T>, {.grid = dim3(shape.rows), .block = dim3(128)}, y, x,
               weight, shape);
}

}  // namespace rung::cuda

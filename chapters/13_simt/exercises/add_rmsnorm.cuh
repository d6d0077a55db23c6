#pragma once

// Exercise 13: see README.md. The harness, the checker and the counters: ./rung kernels --file THIS_FILE --op add_rmsnorm

#include "cuda/add_rmsnorm/add_rmsnorm.h"
#include "cuda/numbers.h"
#include "cuda/reduce.h"
#include "cuda/vector16.h"

namespace rung::cuda {

template <typename T>
__global__ void __launch_bounds__(128) my_add_rmsnorm_kernel(T* sum, T* y, const T* x, const T* residual,
                                                             const T* weight, AddRmsNormShape shape) {
  // Here. Until then nothing is written, and the harness says so.
  (void)sum;
  (void)y;
  (void)x;
  (void)residual;
  (void)weight;
  (void)shape;
}

template <typename T>
void add_rmsnorm(T* sum, T* y, const T* x, const T* residual, const T* weight, AddRmsNormShape shape) {
  simt::launch("my_add_rmsnorm", my_add_rmsnorm_kernel<T>, {.grid = dim3(shape.rows), .block = dim3(128)},
               sum, y, x, residual, weight, shape);
}

}  // namespace rung::cuda

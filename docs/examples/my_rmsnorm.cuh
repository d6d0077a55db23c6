// An RMSNorm kernel that is not Rung's: docs/your_cuda_kernel.md walks through it. One block of 64 threads per row, fp32
// only, and a barrier is missing.

#pragma once

// [example]
#include "cuda/rmsnorm/rmsnorm.h"
#include "cuda/simt/simt.h"

__global__ void my_rmsnorm_kernel(float* y, const float* x, const float* weight,
                                  rung::cuda::RmsNormShape shape) {
  __shared__ float squares[64];
  const float* const x_row = x + 1LL * blockIdx.x * shape.x_stride;
  float* const y_row = y + 1LL * blockIdx.x * shape.y_stride;
  float own = 0;
  for (int i = threadIdx.x; i < shape.n; i += 64) own += x_row[i] * x_row[i];
  squares[threadIdx.x] = own;
  // A barrier belongs here: what follows reads what other threads wrote.
  float sum = 0;
  for (int t = 0; t < 64; ++t) sum += squares[t];
  const float inverse = 1 / sqrtf(sum / static_cast<float>(shape.n) + shape.eps);
  for (int i = threadIdx.x; i < shape.n; i += 64) y_row[i] = x_row[i] * inverse * weight[i];
}

// The host function: named as the op, called with what cuda/rmsnorm/call.h says.
void rmsnorm(float* y, const float* x, const float* weight, rung::cuda::RmsNormShape shape) {
  rung::simt::launch("my_rmsnorm", my_rmsnorm_kernel, {.grid = dim3(shape.rows), .block = dim3(64)}, y, x,
                     weight, shape);
}
// [example]

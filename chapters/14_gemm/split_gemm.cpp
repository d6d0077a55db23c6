#include "chapters/14_gemm/split_gemm.h"

namespace rung {
namespace {

/// A thread's number of one part: sums[part, m, n].
__global__ void __launch_bounds__(128)
    sum_part(const float* a, const float* w, float* sums, cuda::GemmShape shape, int part_length) {
  const int column = static_cast<int>(blockIdx.x * blockDim.x + threadIdx.x);
  const int row = static_cast<int>(blockIdx.y);
  const int part = static_cast<int>(blockIdx.z);
  if (column >= shape.n) return;
  const float* a_row = cuda::row_of(a, row, shape.a_stride);
  const float* w_row = cuda::row_of(w, column, shape.w_stride);
  const int end = min((part + 1) * part_length, shape.k);
  float sum = 0;
  for (int k = part * part_length; k < end; ++k) sum += a_row[k] * w_row[k];
  cuda::row_of(sums, part * shape.m + row, shape.n)[column] = sum;
}

__global__ void __launch_bounds__(128)
    add_parts(const float* sums, float* c, cuda::GemmShape shape, int parts) {
  const int column = static_cast<int>(blockIdx.x * blockDim.x + threadIdx.x);
  const int row = static_cast<int>(blockIdx.y);
  if (column >= shape.n) return;
  float sum = 0;
  for (int part = 0; part < parts; ++part) sum += cuda::row_of(sums, part * shape.m + row, shape.n)[column];
  cuda::row_of(c, row, shape.c_stride)[column] = sum;
}

}  // namespace

void split_gemm(const float* a, const float* w, float* sums, float* c, const cuda::GemmShape& shape,
                int parts) {
  const int blocks = cuda::blocks_of(shape.n, 128);
  const int part_length =
      cuda::blocks_of(shape.k, parts);  // rounded up: the last parts may be shorter, or empty
  simt::launch("sum_part", sum_part, {.grid = dim3(blocks, shape.m, parts), .block = dim3(128)}, a, w, sums,
               shape, part_length);
  simt::launch("add_parts", add_parts, {.grid = dim3(blocks, shape.m), .block = dim3(128)}, sums, c, shape,
               parts);
}

}  // namespace rung

#include "chapters/13_simt/coalesced_add.h"
#include "cuda/simt/simt.h"

namespace rung {
namespace {

__global__ void __launch_bounds__(128)
    add_kernel(float* y, const float* a, const float* b, cuda::AddShape shape) {
  // Each thread has a piece of the row.
  const int each = 8;
  const int first = (blockIdx.y * 128 + threadIdx.x) * each;
  for (int i = first; i < min(first + each, shape.n); ++i)
    y[blockIdx.x * shape.y_stride + i] =
        a[blockIdx.x * shape.a_stride + i] + b[blockIdx.x * shape.b_stride + i];
}

}  // namespace

void coalesced_add(float* y, const float* a, const float* b, const cuda::AddShape& shape) {
  simt::launch("add", add_kernel, {.grid = dim3(shape.rows, (shape.n + 1023) / 1024), .block = dim3(128)}, y,
               a, b, shape);
}

}  // namespace rung

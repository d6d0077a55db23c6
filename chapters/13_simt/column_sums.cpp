#include "chapters/13_simt/column_sums.h"

#include "cuda/simt/simt.h"

namespace rung {
namespace {

constexpr int threads = 128;

/// A thread has a column to itself; its neighbour has the next one.
__global__ void __launch_bounds__(threads)
    column_sums_kernel(float* sums, const float* x, int rows, int columns, int x_stride) {
  const int column = blockIdx.x * threads + threadIdx.x;
  if (column >= columns) return;
  float sum = 0;
  for (int row = 0; row < rows; ++row) sum += x[1LL * row * x_stride + column];
  sums[column] = sum;
}

}  // namespace

void column_sums(float* sums, const float* x, int rows, int columns, int x_stride) {
  const dim3 grid((columns + threads - 1) / threads);
  simt::launch("column_sums", column_sums_kernel, {.grid = grid, .block = dim3(threads)}, sums, x, rows,
               columns, x_stride);
}

}  // namespace rung

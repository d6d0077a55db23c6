#include "chapters/13_simt/transposed.h"

#include "cuda/simt/simt.h"

namespace rung {
namespace {

constexpr int tile_side = 32;

__global__ void __launch_bounds__(tile_side* tile_side)
    transposed_kernel(float* y, const float* x, int rows, int columns) {
  __shared__ float tile[tile_side][tile_side + 1];  // one word more: a column lies in 32 banks
  const int row = blockIdx.y * tile_side + threadIdx.y;
  const int column = blockIdx.x * tile_side + threadIdx.x;
  if (row < rows && column < columns) tile[threadIdx.y][threadIdx.x] = x[1LL * row * columns + column];
  __syncthreads();
  // A row of y is a column of x: the block's place is mirrored, and the lanes go along y's rows.
  const int y_row = blockIdx.x * tile_side + threadIdx.y;
  const int y_column = blockIdx.y * tile_side + threadIdx.x;
  if (y_row < columns && y_column < rows) y[1LL * y_row * rows + y_column] = tile[threadIdx.x][threadIdx.y];
}

}  // namespace

void transposed(float* y, const float* x, int rows, int columns) {
  const dim3 grid((columns + tile_side - 1) / tile_side, (rows + tile_side - 1) / tile_side);
  simt::launch("transposed", transposed_kernel, {.grid = grid, .block = dim3(tile_side, tile_side)}, y, x,
               rows, columns);
}

}  // namespace rung

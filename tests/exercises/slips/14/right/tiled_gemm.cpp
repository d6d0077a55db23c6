#include "chapters/14_gemm/tiled_gemm.h"

namespace rung {
namespace {

constexpr int tile = 32;

__global__ void __launch_bounds__(1024)
    tiled_gemm_kernel(const float* a, const float* w, float* c, cuda::GemmShape shape) {
  __shared__ float a_tile[tile][tile];
  __shared__ float w_tile[tile][tile];
  const int x = threadIdx.x;  // this thread's column of the tile of C
  const int y = threadIdx.y;  // and its row
  const int first_row = blockIdx.y * tile;
  const int first_column = blockIdx.x * tile;

  float sum = 0;
  for (int first_k = 0; first_k < shape.k; first_k += tile) {
    // A thread brings one number of each; outside the matrices there are zeros.
    const int k = first_k + x;
    const bool a_inside = first_row + y < shape.m && k < shape.k;
    const bool w_inside = first_column + y < shape.n && k < shape.k;
    a_tile[y][x] = a_inside ? cuda::row_of(a, first_row + y, shape.a_stride)[k] : 0.0F;
    w_tile[y][x] = w_inside ? cuda::row_of(w, first_column + y, shape.w_stride)[k] : 0.0F;
    __syncthreads();  // both tiles are complete

    for (int d = 0; d < tile; ++d) sum += a_tile[y][d] * w_tile[x][d];
    __syncthreads();  // nobody reads them any more
  }

  const int row = first_row + y;
  const int column = first_column + x;
  if (row < shape.m && column < shape.n) cuda::row_of(c, row, shape.c_stride)[column] = sum;
}

}  // namespace

void tiled_gemm(const float* a, const float* w, float* c, const cuda::GemmShape& shape) {
  const dim3 grid(cuda::blocks_of(shape.n, tile), cuda::blocks_of(shape.m, tile));
  simt::launch("tiled_gemm", tiled_gemm_kernel, {.grid = grid, .block = dim3(tile, tile)}, a, w, c, shape);
}

}  // namespace rung

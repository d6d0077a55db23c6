// Exercise 13.3: a transposition through shared memory. What transposed must do stands in
// chapters/13_simt/transposed.h.
//
// This file takes the place of chapters/13_simt/transposed.cpp, so it must define what that one does.
// The launch is given: blocks of 32 × 32 threads, each block a tile of 32 × 32 of x.

#include "chapters/13_simt/transposed.h"

#include "core/error.h"
#include "cuda/simt/simt.h"

namespace rung {
namespace {

constexpr int tile_side = 32;

__global__ void __launch_bounds__(tile_side* tile_side)
    transposed_kernel(float* y, const float* x, int rows, int columns) {
  // A tile in shared memory: filled along the rows of x, __syncthreads(), read along the rows of y.
}

}  // namespace

void transposed(float* y, const float* x, int rows, int columns) {
  throw Error(ErrorKind::bad_input,
              "transposed is not written yet: chapters/13_simt/exercises/README.md, exercise 13.3");
  const dim3 grid((columns + tile_side - 1) / tile_side, (rows + tile_side - 1) / tile_side);
  simt::launch("transposed", transposed_kernel, {.grid = grid, .block = dim3(tile_side, tile_side)}, y, x,
               rows, columns);
}

}  // namespace rung

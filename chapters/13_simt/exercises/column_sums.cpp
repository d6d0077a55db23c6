// Exercise 13.2: sums of columns. What column_sums must do stands in chapters/13_simt/column_sums.h.
//
// This file takes the place of chapters/13_simt/column_sums.cpp, so it must define what that one does.
// How many blocks of how many threads is for you to say: the launch below is of one block, which keeps one SM busy.

#include "chapters/13_simt/column_sums.h"

#include "core/error.h"
#include "cuda/simt/simt.h"

namespace rung {
namespace {

constexpr int threads = 128;

__global__ void __launch_bounds__(threads)
    column_sums_kernel(float* sums, const float* x, int rows, int columns, int x_stride) {
  // Which numbers does a thread add up, and which does its neighbour read at the same time?
}

}  // namespace

void column_sums(float* sums, const float* x, int rows, int columns, int x_stride) {
  throw Error(ErrorKind::bad_input,
              "column_sums is not written yet: chapters/13_simt/exercises/README.md, exercise 13.2");
  simt::launch("column_sums", column_sums_kernel, {.grid = dim3(1), .block = dim3(threads)}, sums, x, rows,
               columns, x_stride);
}

}  // namespace rung

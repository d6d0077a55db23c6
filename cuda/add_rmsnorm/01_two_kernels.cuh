#pragma once

// sum = x + residual and y = RMSNorm(sum): what stands between two blocks of a transformer.
//
// What this rung does: add/03 and rmsnorm/05, one after the other. The sum is written by the first and read again
// by the second.

#include "cuda/add/03_vectors.cuh"
#include "cuda/add_rmsnorm/add_rmsnorm.h"
#include "cuda/rmsnorm/05_row_in_registers.cuh"

namespace rung::cuda {

template <typename T>
void add_rmsnorm_01(T* sum, T* y, const T* x, const T* residual, const T* weight, AddRmsNormShape shape) {
  add_03(sum, x, residual,
         {.rows = shape.rows,
          .n = shape.n,
          .a_stride = shape.x_stride,
          .b_stride = shape.residual_stride,
          .y_stride = shape.sum_stride});
  rmsnorm_05(y, static_cast<const T*>(sum), weight,
             {.rows = shape.rows,
              .n = shape.n,
              .x_stride = shape.sum_stride,
              .y_stride = shape.y_stride,
              .eps = shape.eps});
}

}  // namespace rung::cuda

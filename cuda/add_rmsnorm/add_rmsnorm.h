#pragma once

namespace rung::cuda {

/// sum[r, i] = x[r, i] + residual[r, i], and y = RMSNorm(sum) as in rmsnorm.h: what stands between two blocks of a
/// transformer. Strides are in numbers, from one row to the next. sum may be residual.
struct AddRmsNormShape {
  int rows = 0;  ///< at least 1
  int n = 0;     ///< columns, at least 1
  int x_stride = 0;
  int residual_stride = 0;
  int sum_stride = 0;
  int y_stride = 0;
  float eps = 0;
};

}  // namespace rung::cuda

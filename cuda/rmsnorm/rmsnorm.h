#pragma once

namespace rung::cuda {

/// y[r, i] = weight[i] · x[r, i] / sqrt(mean over i of x[r, i]² + eps). Strides are in numbers, from one row to the
/// next. y may be x.
struct RmsNormShape {
  int rows = 0;  ///< at least 1
  int n = 0;     ///< columns, at least 1
  int x_stride = 0;
  int y_stride = 0;
  float eps = 0;
};

}  // namespace rung::cuda

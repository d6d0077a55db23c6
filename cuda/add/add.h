#pragma once

namespace rung::cuda {

/// y[r, i] = a[r, i] + b[r, i]. Strides are in numbers, from one row to the next. y may be a or b.
struct AddShape {
  int rows = 0;  ///< at least 1
  int n = 0;     ///< columns, at least 1
  int a_stride = 0;
  int b_stride = 0;
  int y_stride = 0;
};

}  // namespace rung::cuda

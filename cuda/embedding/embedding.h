#pragma once

namespace rung::cuda {

/// y[t] = table[ids[t]]. Strides are in numbers, from one row to the next. Ids are rows of the table.
struct EmbeddingShape {
  int tokens = 0;  ///< rows of y, at least 1
  int n = 0;       ///< numbers in a row, at least 1
  int table_stride = 0;
  int y_stride = 0;
};

}  // namespace rung::cuda

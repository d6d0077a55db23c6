#include "chapters/02_tensors/matmul.h"

namespace rung {

void matmul_loops(const ConstMatrixView& x, const ConstMatrixView& w, MatrixView y) {
  const Matrix dense = w;
  for (Eigen::Index t = 0; t < x.rows(); ++t) {
    for (Eigen::Index n = 0; n < w.rows(); ++n) {
      float sum = 0;
      for (Eigen::Index k = 0; k < w.cols(); ++k) sum += x(t, k) * dense.data()[k * w.rows() + n];
      y(t, n) = sum;
    }
  }
}

void matmul(const ConstMatrixView& x, const ConstMatrixView& w, MatrixView y) {
  matmul_loops(x, w, y);
}

}  // namespace rung

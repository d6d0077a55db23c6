#include "chapters/02_tensors/matmul.h"

namespace rung {

void matmul_loops(const ConstMatrixView& x, const ConstMatrixView& w, MatrixView y) {
  for (Eigen::Index t = 0; t < x.rows(); ++t) {
    for (Eigen::Index n = 0; n < w.rows(); ++n) {
      float sum = 0;
      for (Eigen::Index k = 0; k + 8 <= w.cols(); k += 8) {
        for (Eigen::Index i = 0; i < 8; ++i) sum += x(t, k + i) * w(n, k + i);
      }
      y(t, n) = sum;
    }
  }
}

void matmul(const ConstMatrixView& x, const ConstMatrixView& w, MatrixView y) {
  matmul_loops(x, w, y);
}

}  // namespace rung

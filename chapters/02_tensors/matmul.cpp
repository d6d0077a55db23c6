#include "chapters/02_tensors/matmul.h"

namespace rung {

void matmul_loops(const ConstMatrixView& x, const ConstMatrixView& w, MatrixView y) {
  for (Eigen::Index t = 0; t < x.rows(); ++t) {
    for (Eigen::Index n = 0; n < w.rows(); ++n) {
      float sum = 0;
      for (Eigen::Index k = 0; k < w.cols(); ++k) sum += x(t, k) * w(n, k);
      y(t, n) = sum;
    }
  }
}

namespace {

// Every weight is used once, so the time is that of reading w: each thread reads its own contiguous rows.
void matvec(const ConstMatrixView& x, const ConstMatrixView& w, MatrixView y) {
#pragma omp parallel for schedule(static)
  for (Eigen::Index n = 0; n < w.rows(); ++n) y(0, n) = w.row(n).dot(x.row(0));
}

}  // namespace

void matmul(const ConstMatrixView& x, const ConstMatrixView& w, MatrixView y) {
  if (x.rows() == 1) {
    matvec(x, w, y);
  } else {
    y.noalias() = x * w.transpose();
  }
}

}  // namespace rung

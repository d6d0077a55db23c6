#include "chapters/02_tensors/matmul.h"

#include <omp.h>

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

// Below this many rows of x, splitting the rows of w is faster than Eigen's blocked product, which first
// copies w into an order that pays only when every weight is used often. Measured on 2 cores with AVX-512: 15
// against 28 ms for a model's weights at 1 row, 55 against 119 at 16, equal at 64.
constexpr Eigen::Index many_rows = 64;

// What fits the widest vector registers in use; a narrower machine takes two or four for it.
using Lanes = Eigen::Array<float, 16, 1>;

// Four rows of w times one x at once. Four streams through memory keep more loads under way than one does (by
// a tenth of the bandwidth, as measured), and each x is loaded once for four rows.
// @param w       the first of the four rows; the others follow `stride` numbers apart
// @param x       K numbers
// @param result  four sums
// [dot_four]
void dot_four(const float* w, Eigen::Index stride, const float* x, Eigen::Index k_end, float* result) {
  Lanes sums[4] = {Lanes::Zero(), Lanes::Zero(), Lanes::Zero(), Lanes::Zero()};
  Eigen::Index k = 0;
  for (; k + Lanes::SizeAtCompileTime <= k_end; k += Lanes::SizeAtCompileTime) {
    const Lanes xs = Eigen::Map<const Lanes>(x + k);
    for (int row = 0; row < 4; ++row) sums[row] += Eigen::Map<const Lanes>(w + row * stride + k) * xs;
  }
  for (int row = 0; row < 4; ++row) {
    result[row] = sums[row].sum();
    for (Eigen::Index rest = k; rest < k_end; ++rest) result[row] += w[row * stride + rest] * x[rest];
  }
}
// [dot_four]

struct Rows {
  Eigen::Index begin, end;
};

// Those of w that are this thread's.
Rows own_rows(const ConstMatrixView& w) {
  const Eigen::Index thread = omp_get_thread_num();
  const Eigen::Index threads = omp_get_num_threads();
  return {w.rows() * thread / threads, w.rows() * (thread + 1) / threads};
}

// Each thread reads its own rows of w once, four at a time, a quarter of its share apart; they stay in the
// cache while they meet every row of x.
void split_weight_rows(const ConstMatrixView& x, const ConstMatrixView& w, MatrixView y) {
#pragma omp parallel
  {
    const auto [begin, end] = own_rows(w);
    const Eigen::Index quarter = (end - begin) / 4;
    for (Eigen::Index n = begin; n < begin + quarter; ++n) {
      for (Eigen::Index t = 0; t < x.rows(); ++t) {
        float sums[4];
        dot_four(w.row(n).data(), quarter * w.outerStride(), x.row(t).data(), w.cols(), sums);
        for (int i = 0; i < 4; ++i) y(t, n + i * quarter) = sums[i];
      }
    }
    for (Eigen::Index n = begin + 4 * quarter; n < end; ++n) {
      for (Eigen::Index t = 0; t < x.rows(); ++t) y(t, n) = w.row(n).dot(x.row(t));
    }
  }
}

// Eigen's blocked product of x with each thread's own rows of w. (Eigen can use threads itself, but they wait for each
// other several times in a product, and busily: where other programs want the cores too, that takes most of the time.)
void eigen_by_weight_rows(const ConstMatrixView& x, const ConstMatrixView& w, MatrixView y) {
#pragma omp parallel
  {
    const auto [begin, end] = own_rows(w);
    y.middleCols(begin, end - begin).noalias() = x * w.middleRows(begin, end - begin).transpose();
  }
}

}  // namespace

// [matmul]
void matmul(const ConstMatrixView& x, const ConstMatrixView& w, MatrixView y) {
  if (x.rows() < many_rows) {
    split_weight_rows(x, w, y);
  } else {
    eigen_by_weight_rows(x, w, y);
  }
}
// [matmul]

}  // namespace rung

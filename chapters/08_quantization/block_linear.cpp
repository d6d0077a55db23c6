#include "chapters/08_quantization/block_linear.h"

#include <algorithm>
#include <utility>

#include <omp.h>

namespace rung {

namespace {

// From so many rows of x on, panels are faster. Measured on one core with AVX-512, [1536, 576] in Q4_1: 30 GFLOP/s of
// whole numbers for any count; panels 42 at 8 rows, 56 at 16, 74 at 64, as many as Eigen's product of a matrix that is
// fp32 already.
constexpr std::int64_t many_rows = 8;
// Rows of W that are decoded together: 64 · 1536 fp32 numbers are 384 KiB, which stay in the second-level cache. Panels of
// 32 are a tenth slower, larger ones no faster.
constexpr std::int64_t panel_rows = 64;

/// Rows of a panel so that every thread gets as many.
std::int64_t even_panel(std::int64_t rows, std::int64_t threads) {
  const std::int64_t panels = (rows + panel_rows * threads - 1) / (panel_rows * threads) * threads;
  return (rows + panels - 1) / panels;
}

}  // namespace

BlockLinear::BlockLinear(std::shared_ptr<const BlockMatrix> weight)
    : weight_(std::move(weight)), dot_(block_dot(weight_->type())), decode_(decode_groups(weight_->type())) {}

// [apply]
void BlockLinear::apply(const Activations& x, MatrixView out) const {
  const auto& quantized = x.as<QuantizedActivations>();
  if (quantized.rows() < many_rows) {
    multiply_integers(quantized, out);
  } else {
    multiply_panels(quantized, out);
  }
}
// [apply]

void BlockLinear::multiply_integers(const QuantizedActivations& x, MatrixView out) const {
  // Nothing in it throws: sizes have been checked, and no memory is asked for.
#pragma omp parallel for schedule(static)
  for (std::int64_t n = 0; n < weight_->rows(); ++n) {
    float products[many_rows];
    dot_(weight_->row(n).data(), x, 0, x.rows(), products);
    for (std::int64_t t = 0; t < x.rows(); ++t) out(t, n) = products[t];
  }
}

// [panels]
void BlockLinear::multiply_panels(const QuantizedActivations& x, MatrixView out) const {
  const Matrix& numbers = x.dequantized();  // [T, groups · 32]
  const std::int64_t rows = even_panel(weight_->rows(), omp_get_max_threads());
#pragma omp parallel
  {
    Matrix panel(rows, numbers.cols());  // each thread's own, in its cache
#pragma omp for schedule(static)
    for (std::int64_t first = 0; first < weight_->rows(); first += rows) {
      const std::int64_t count = std::min(rows, weight_->rows() - first);
      for (std::int64_t n = 0; n < count; ++n)
        decode_(weight_->row(first + n).data(), x.groups(), panel.row(n).data());
      out.middleCols(first, count).noalias() = numbers * panel.topRows(count).transpose();
    }
  }
}
// [panels]

}  // namespace rung

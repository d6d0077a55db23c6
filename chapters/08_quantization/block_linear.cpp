#include "chapters/08_quantization/block_linear.h"

#include <algorithm>
#include <utility>
#include <vector>

namespace rung {

namespace {

// From so many rows of x on, panels are faster.
constexpr std::int64_t many_rows = 32;
// Rows of W that are decoded together: 64 · 1536 fp32 numbers are 384 KiB, which stay in the second-level cache.
constexpr std::int64_t panel_rows = 64;

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
  const std::int64_t panels = (weight_->rows() + panel_rows - 1) / panel_rows;
#pragma omp parallel
  {
    Matrix panel(panel_rows, numbers.cols());  // each thread's own, in its cache
#pragma omp for schedule(dynamic)
    for (std::int64_t p = 0; p < panels; ++p) {
      const std::int64_t first = p * panel_rows;
      const std::int64_t count = std::min(panel_rows, weight_->rows() - first);
      for (std::int64_t n = 0; n < count; ++n)
        decode_(weight_->row(first + n).data(), x.groups(), panel.row(n).data());
      out.middleCols(first, count).noalias() = numbers * panel.topRows(count).transpose();
    }
  }
}
// [panels]

}  // namespace rung

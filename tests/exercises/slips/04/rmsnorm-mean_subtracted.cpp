// The norm as LayerNorm has it.
#include <cmath>

#include "chapters/04_transformer/rmsnorm.h"

namespace rung {

void rmsnorm(const ConstMatrixView& x, const ConstVectorView& weight, float eps, MatrixView out) {
  for (Eigen::Index t = 0; t < x.rows(); ++t) {
    const Eigen::RowVectorXf centred = x.row(t).array() - x.row(t).mean();
    const float variance = centred.squaredNorm() / static_cast<float>(x.cols());
    for (Eigen::Index i = 0; i < x.cols(); ++i) {
      out(t, i) = centred[i] / std::sqrt(variance + eps) * weight[i];
    }
  }
}

}  // namespace rung

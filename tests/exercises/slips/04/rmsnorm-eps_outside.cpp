#include <cmath>

#include "chapters/04_transformer/rmsnorm.h"

namespace rung {

void rmsnorm(const ConstMatrixView& x, const ConstVectorView& weight, float eps, MatrixView out) {
#pragma omp parallel for schedule(static) if (x.rows() > 1)
  for (Eigen::Index t = 0; t < x.rows(); ++t) {
    const float mean_square = x.row(t).squaredNorm() / static_cast<float>(x.cols());
    const float scale = 1 / (std::sqrt(mean_square) + eps);
    out.row(t).array() = x.row(t).array() * scale * weight.transpose().array();
  }
}

}  // namespace rung

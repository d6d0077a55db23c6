#include "chapters/04_transformer/swiglu.h"

namespace rung {

void swiglu(const ConstMatrixView& gate, const ConstMatrixView& up, MatrixView out) {
#pragma omp parallel for schedule(static) if (gate.rows() > 1)
  for (Eigen::Index t = 0; t < gate.rows(); ++t) {
    const auto z = gate.row(t).array();
    out.row(t).array() = z / (1.0F + (-z).exp()) * up.row(t).array();
  }
}

}  // namespace rung

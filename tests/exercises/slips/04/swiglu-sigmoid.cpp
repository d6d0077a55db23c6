// A gate between 0 and 1, as in the first gated layers (GLU).
#include <cmath>

#include "chapters/04_transformer/swiglu.h"

namespace rung {

void swiglu(const ConstMatrixView& gate, const ConstMatrixView& up, MatrixView out) {
  for (Eigen::Index t = 0; t < gate.rows(); ++t) {
    for (Eigen::Index i = 0; i < gate.cols(); ++i) out(t, i) = up(t, i) / (1 + std::exp(-gate(t, i)));
  }
}

}  // namespace rung

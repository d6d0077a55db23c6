// The function's arguments in the wrong roles.
#include <cmath>

#include "chapters/04_transformer/swiglu.h"

namespace rung {

void swiglu(const ConstMatrixView& gate, const ConstMatrixView& up, MatrixView out) {
  for (Eigen::Index t = 0; t < gate.rows(); ++t) {
    for (Eigen::Index i = 0; i < gate.cols(); ++i)
      out(t, i) = gate(t, i) * up(t, i) / (1 + std::exp(-up(t, i)));
  }
}

}  // namespace rung

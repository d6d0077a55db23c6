// The sigmoid as e^z / (1 + e^z).
#include <cmath>

#include "chapters/04_transformer/swiglu.h"

namespace rung {

void swiglu(const ConstMatrixView& gate, const ConstMatrixView& up, MatrixView out) {
  for (Eigen::Index t = 0; t < gate.rows(); ++t) {
    for (Eigen::Index i = 0; i < gate.cols(); ++i) {
      const float e = std::exp(gate(t, i));
      out(t, i) = gate(t, i) * e / (1 + e) * up(t, i);
    }
  }
}

}  // namespace rung

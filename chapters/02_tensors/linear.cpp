#include "chapters/02_tensors/linear.h"

#include "chapters/02_tensors/matmul.h"

namespace rung {

void DenseLinear::apply(const Activations& x, MatrixView out) const {
  matmul(x.values(), *weight_, out);
}

}  // namespace rung

#include "chapters/13_simt/softmax_rows.h"

#include "cuda/softmax/03_online.cuh"

namespace rung {

// The lesson is the ladder's own rung.
void softmax_rows(float* y, const float* x, const cuda::SoftmaxShape& shape) {
  cuda::softmax_03(y, x, shape);
}

}  // namespace rung

#include "chapters/13_simt/coalesced_add.h"

#include "cuda/add/02_coalesced.cuh"

namespace rung {

// The lesson is the ladder's own rung.
void coalesced_add(float* y, const float* a, const float* b, const cuda::AddShape& shape) {
  cuda::add_02(y, a, b, shape);
}

}  // namespace rung

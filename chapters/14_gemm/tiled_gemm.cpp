#include "chapters/14_gemm/tiled_gemm.h"

#include "cuda/gemm/03_shared_tiles.cuh"

namespace rung {

// The lesson is the ladder's own rung.
void tiled_gemm(const float* a, const float* w, float* c, const cuda::GemmShape& shape) {
  cuda::gemm_03::run(a, w, c, shape);
}

}  // namespace rung

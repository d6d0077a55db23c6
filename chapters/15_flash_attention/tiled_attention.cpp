#include "chapters/15_flash_attention/tiled_attention.h"

#include "chapters/15_flash_attention/prompt_on_ladder.h"
#include "cuda/attention/03_tiled.cuh"

namespace rung {

void tiled_attention(const float* q, const float* k, const float* v, float* out, const Prompt& prompt) {
  on_ladder(prompt, q, k, v, out, cuda::attention_03::run<float>);
}

}  // namespace rung

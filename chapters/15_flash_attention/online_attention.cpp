#include "chapters/15_flash_attention/online_attention.h"

#include "chapters/15_flash_attention/prompt_on_ladder.h"
#include "cuda/attention/02_online.cuh"

namespace rung {

void online_attention(const float* q, const float* k, const float* v, float* out, const Prompt& prompt) {
  on_ladder(prompt, q, k, v, out, cuda::attention_02::run<float>);
}

}  // namespace rung

#pragma once

#include "chapters/15_flash_attention/prompt.h"
#include "cuda/simt/simt.h"

namespace rung {

/// Attention of a prompt, a warp for each query of a head, which goes over its keys once; heads of up to 128 numbers.
void online_attention(const float* q, const float* k, const float* v, float* out, const Prompt& prompt);

}  // namespace rung

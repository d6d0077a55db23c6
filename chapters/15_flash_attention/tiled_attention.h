#pragma once

#include "chapters/15_flash_attention/prompt.h"
#include "cuda/simt/simt.h"

namespace rung {

/// Attention of a prompt, a block for 32 queries of a head, which goes over the keys that they see a tile at a time; heads
/// of up to 64 numbers.
void tiled_attention(const float* q, const float* k, const float* v, float* out, const Prompt& prompt);

}  // namespace rung

#pragma once

#include <span>

#include "chapters/15_flash_attention/prompt.h"
#include "cuda/attention/attention.h"

namespace rung {

/// Runs the kernel of a rung on a prompt, whose lesson it is. Waits for it.
/// @param run  a host function as those of the ladder: (q, k, v, out, lse, shape)
template <typename Run>
void on_ladder(const Prompt& prompt, const float* q, const float* k, const float* v, float* out, Run run) {
  const cuda::AttentionSequence whole{
      .rows = prompt.rows, .past = prompt.past, .keys = prompt.past + prompt.rows};
  const simt::device_buffer<cuda::AttentionSequence> sequences(std::span(&whole, 1));
  run(q, k, v, out, nullptr,
      cuda::AttentionShape{.of_sequence = sequences.data(),
                           .sequences = 1,
                           .most_rows = whole.rows,
                           .most_keys = whole.keys,
                           .rows = whole.rows,
                           .heads = prompt.heads,
                           .kv_heads = prompt.kv_heads,
                           .head_dim = prompt.head_dim,
                           .causal = true,
                           .window = prompt.window,
                           .scale = prompt.scale,
                           .q_stride = prompt.head_dim,
                           .k_stride = prompt.head_dim,
                           .v_stride = prompt.head_dim,
                           .out_stride = prompt.head_dim});
  simt::synchronize();
}

}  // namespace rung

#include "core/checkpoint/gguf_naming.h"

namespace rung {

namespace {

// rope_freqs.weight has been taken into the config. Old converters also wrote each layer's plain rotary
// frequencies, which follow from theta.
bool harmless(std::string_view stored_name) {
  return stored_name == "rope_freqs.weight" ||
         (stored_name.starts_with("blk.") && stored_name.ends_with(".attn_rot_embd.weight"));
}

}  // namespace

TensorNaming gguf_naming() {
  return {.embedding = "token_embd.weight",
          .norm = "output_norm.weight",
          .output = "output.weight",
          .layer_prefix = "blk.",
          .in_layer = {"attn_norm.weight", "attn_q.weight", "attn_k.weight", "attn_v.weight",
                       "attn_output.weight", "ffn_norm.weight", "ffn_gate.weight", "ffn_up.weight",
                       "ffn_down.weight"},
          .router = "ffn_gate_inp.weight",
          .expert = {"ffn_gate.{}.weight", "ffn_up.{}.weight", "ffn_down.{}.weight"},
          .stacked_experts = {"ffn_gate_exps.weight", "ffn_up_exps.weight", "ffn_down_exps.weight"},
          .rope_layout = RopeLayout::interleaved,
          .pads_shapes = true,
          .harmless = harmless};
}

}  // namespace rung

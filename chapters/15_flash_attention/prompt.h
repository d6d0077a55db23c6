#pragma once

namespace rung {

/// Causal attention of one prompt in fp32, without gaps: q and out are [rows, heads, head_dim], k and v
/// [past + rows, kv_heads, head_dim], in device memory. Row t is at position past + t, and sees the keys of the positions
/// up to its own, of which it is the newest. Head h uses key/value head h / (heads / kv_heads).
struct Prompt {
  int rows = 1, past = 0;
  int heads = 1, kv_heads = 1;
  int head_dim = 32;
  int window = 0;   ///< W: only the W newest of those keys, its own among them; 0: all
  float scale = 1;  ///< of the scores
};

}  // namespace rung

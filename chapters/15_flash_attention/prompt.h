#pragma once

namespace rung {

/// Causal attention of one prompt in fp32, without gaps: q and out are [rows, heads, head_dim], k and v
/// [past + rows, kv_heads, head_dim], in device memory. Row t is at position past + t, and sees the keys of the positions
/// up to its own, of which it is the newest. Head h uses key/value head h / (heads / kv_heads).
struct Prompt {
  int rows = 1;       ///< queries
  int past = 0;       ///< position of the first one
  int heads = 1;      ///< of queries
  int kv_heads = 1;   ///< of keys and values
  int head_dim = 32;  ///< numbers of a head
  int window = 0;     ///< W: only the W newest of those keys, its own among them; 0: all
  float scale = 1;    ///< of the scores
};

}  // namespace rung

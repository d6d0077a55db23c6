#pragma once

#include <cstdint>

namespace rung {

/// Causal attention over a prompt.
struct PromptAttention {
  std::int64_t tokens = 0;
  std::int64_t heads = 0;
  std::int64_t kv_heads = 0;
  std::int64_t head_dim = 0;
  std::int64_t number_bytes = 0;  ///< of q, k, v and the result
};

/// Bytes of q, k, v and the result: what must move whoever computes it. They grow with the tokens.
std::int64_t least_bytes(const PromptAttention& prompt);

/// Bytes of a score for each head, query and key, in fp32: what naive attention keeps in memory besides.
std::int64_t score_bytes(const PromptAttention& prompt);

/// Bytes that blocks read and write between L2 and shared memory when each takes `tile_rows` queries of a head and
/// reads keys and values as far as its last query sees. `tokens` is a multiple of it.
std::int64_t tiled_attention_bytes(const PromptAttention& prompt, std::int64_t tile_rows);

/// Multiplications and additions of q·k and of weights · v, for the keys that each query sees.
std::int64_t attention_flops(const PromptAttention& prompt);

}  // namespace rung

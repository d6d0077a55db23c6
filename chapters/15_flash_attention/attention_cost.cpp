#include "chapters/15_flash_attention/attention_cost.h"

namespace rung {

std::int64_t least_bytes(const PromptAttention& prompt) {
  return 2 * prompt.tokens * (prompt.heads + prompt.kv_heads) * prompt.head_dim * prompt.number_bytes;
}

std::int64_t score_bytes(const PromptAttention& prompt) {
  return prompt.heads * prompt.tokens * prompt.tokens * 4;
}

std::int64_t tiled_attention_bytes(const PromptAttention& prompt, std::int64_t tile_rows) {
  std::int64_t vectors = 2 * prompt.tokens;  // q and the result
  for (std::int64_t first = 0; first < prompt.tokens; first += tile_rows) {
    vectors += 2 * (first + tile_rows);  // k and v, as far as the last query sees
  }
  return prompt.heads * vectors * prompt.head_dim * prompt.number_bytes;
}

std::int64_t attention_flops(const PromptAttention& prompt) {
  return prompt.heads * prompt.tokens * (prompt.tokens + 1) / 2 * 4 * prompt.head_dim;
}

}  // namespace rung

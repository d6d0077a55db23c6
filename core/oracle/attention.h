#pragma once

#include <cstdint>
#include <optional>
#include <span>

namespace rung::oracle {

/// T queries of H heads look at S keys of G heads; query head h uses key/value head h / (H / G)
/// (grouped-query attention, arXiv:2305.13245, section 2.2).
struct AttentionShape {
  std::int64_t T = 0;  ///< queries
  std::int64_t S = 0;  ///< keys
  std::int64_t H = 0;  ///< query heads
  std::int64_t G = 0;  ///< key/value heads; divides H
  std::int64_t D = 0;  ///< head_dim
};

/// Which keys a query sees. Key j is at position j; query t is at position first_position + t, so a decode
/// step has T = 1 and first_position = S − 1, and a chunk of a prefill something in between. first_position
/// may be negative (more queries than keys, aligned at their ends, as FlashAttention does): then the first
/// queries see nothing.
struct AttentionMask {
  bool causal = true;  ///< a query sees keys up to its own position
  std::optional<std::int64_t>
      window;  ///< W: only the W newest positions, its own among them (Mistral, arXiv:2310.06825)
  std::int64_t first_position = 0;

  /// Whether the query at row `t` sees key `j`.
  bool sees(std::int64_t t, std::int64_t j) const;
};

/// out = softmax(scale · q·kᵀ over the keys seen) · v (Vaswani et al., arXiv:1706.03762, equation 1). A query
/// that sees no key gives 0, and log-sum-exp −∞. Keys that a query does not see are never read for it.
/// @param q, out  [T, H, D]
/// @param k, v    [S, G, D]
/// @param lse     [T, H] log Σ exp(score), or empty when not wanted
/// @throws Error (usage) when a span does not hold what its shape says, or G does not divide H
void attention(const AttentionShape& shape, const AttentionMask& mask, double scale,
               std::span<const double> q, std::span<const double> k, std::span<const double> v,
               std::span<double> out, std::span<double> lse = {});

}  // namespace rung::oracle

#pragma once

#include <cstdint>
#include <optional>

#include "core/tensor/matrix.h"

namespace rung {

// [span]
/// Where the rows of an attention call stand in their sequence.
struct AttentionSpan {
  std::int64_t first_query = 0;  ///< position of query row 0; row t is at first_query + t
  std::int64_t first_key = 0;    ///< position of key row 0
  std::optional<std::int64_t> window =
      std::nullopt;  ///< W: a query sees its own position and the W - 1 before it
};
// [span]

/// Causal multi-head attention of one sequence: for every head,
/// out[t] = sum over s of softmax_s(q[t] · k[s] / sqrt(D)) v[s], where s runs over the positions that t may
/// see: its own and those before it, inside the window. A row that may see nothing gives 0. Source: Vaswani
/// et al., arXiv:1706.03762, section 3.2; windows: Mistral 7B, arXiv:2310.06825, section 2.
/// @param q     [T, heads · head_dim], rotated
/// @param keys, values  [S, heads · head_dim]
/// @param out   [T, heads · head_dim], overwritten
void causal_attention(const ConstMatrixView& q, const ConstMatrixView& keys, const ConstMatrixView& values,
                      std::int64_t head_dim, const AttentionSpan& span, MatrixView out);

}  // namespace rung

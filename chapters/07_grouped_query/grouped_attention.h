#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "chapters/03_attention/attention.h"

namespace rung {

/// Remembered positions whose keys and values stand next to each other in memory.
struct KvPiece {
  std::int64_t first = 0;  ///< position of row 0
  ConstMatrixView keys;    ///< [rows, G · D]
  ConstMatrixView values;  ///< [rows, G · D]
};

// [span]
/// Where the queries of a call stand in their sequence, and how heads are shared.
struct GroupedSpan {
  std::int64_t head_dim = 0;  ///< D
  std::int64_t kv_heads = 0;  ///< G; H is a multiple of it. G = H: multi-head, G = 1: multi-query attention
  std::int64_t first_query = 0;  ///< position of query row 0; row t is at first_query + t
  std::optional<std::int64_t> window =
      std::nullopt;  ///< W: a query sees its own position and the W - 1 before it
};
// [span]

/// Causal attention of one sequence in which query head h uses key/value head h / (H / G) where it lies: no head is
/// copied. A row that sees nothing gives 0, and what no row sees may hold anything, also NaN. Source: Ainslie et al.,
/// arXiv:2305.13245, section 2.2; multi-query: Shazeer, arXiv:1911.02150, section 3; windows: Mistral 7B,
/// arXiv:2310.06825, section 2.
/// @param q       [T, H · D], rotated
/// @param pieces  keys and values of consecutive positions: each piece goes on where the one before it ends. One may be
///                empty, and there may be none
/// @param out     [T, H · D], overwritten, whatever it holds
void grouped_attention(const ConstMatrixView& q, std::span<const KvPiece> pieces, const GroupedSpan& span,
                       MatrixView out);

/// Query heads in groups: the store holds the G key/value heads alone, in lanes that may be rings.
class GroupedAttention : public Attention {
 public:
  /// @param kv_heads  G, which divides H
  /// @param window    see GroupedSpan
  GroupedAttention(std::int64_t kv_heads, std::int64_t head_dim, std::optional<std::int64_t> window)
      : kv_heads_(kv_heads), head_dim_(head_dim), window_(window) {}

  std::int64_t stored_width() const override { return kv_heads_ * head_dim_; }
  void run(int layer, const ConstMatrixView& q, const ConstMatrixView& k, const ConstMatrixView& v,
           KvStore& store, const Plan& plan, MatrixView out) const override;

 private:
  std::int64_t kv_heads_, head_dim_;
  std::optional<std::int64_t> window_;
};

}  // namespace rung

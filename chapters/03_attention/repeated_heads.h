#pragma once

#include <cstdint>
#include <optional>

#include "chapters/03_attention/attention.h"

namespace rung {

/// Copies each of the G key/value heads to the H / G query heads that share it, then runs plain multi-head
/// attention. Simple, and wasteful: the store holds H heads where G would do.
class RepeatedHeadsAttention : public Attention {
 public:
  /// @param heads     H, a multiple of kv_heads
  /// @param kv_heads  G
  /// @param window    see AttentionSpan
  RepeatedHeadsAttention(std::int64_t heads, std::int64_t kv_heads, std::int64_t head_dim,
                         std::optional<std::int64_t> window)
      : heads_(heads), kv_heads_(kv_heads), head_dim_(head_dim), window_(window) {}

  std::int64_t stored_width() const override { return heads_ * head_dim_; }
  void run(int layer, const ConstMatrixView& q, const ConstMatrixView& k, const ConstMatrixView& v,
           KvStore& store, const Plan& plan, MatrixView out) const override;

 private:
  std::int64_t heads_, kv_heads_, head_dim_;
  std::optional<std::int64_t> window_;
};

/// Query head h uses key/value head h / (H / G): neighbours share. (Not h % G.)
/// Source: GQA, arXiv:2305.13245, section 2.2.
/// @param grouped  [T, G · D]
/// @return         [T, H · D]
Matrix repeat_heads(const ConstMatrixView& grouped, std::int64_t heads, std::int64_t kv_heads,
                    std::int64_t head_dim);

}  // namespace rung

#pragma once

#include <optional>
#include <vector>

#include "core/check/case.h"
#include "core/check/op.h"
#include "core/check/ops/arithmetic.h"
#include "core/oracle/attention.h"

namespace rung::check {

/// T, S, H, G and D of a case of the op attention.
oracle::AttentionShape shape_of(const Case& problem);
/// Which keys its queries see.
oracle::AttentionMask mask_of(const Case& problem);

/// What a variant of attention does other than the plain loop. Some are right, most are mistakes.
struct AttentionVariant {
  Order score_order = Order::sequential;  ///< of the sums over head_dim, q·k
  /// The order in which the numbers of a head enter q·k: D places; as they are when empty.
  std::vector<std::int64_t> score_places = {};
  Order order = Order::sequential;  ///< of the sums over keys
  std::int64_t block = 0;  ///< online softmax over blocks of this many keys (FlashAttention); 0: all at once
  bool rounded = false;    ///< P is rounded to the case's type before it is multiplied with v

  /// What scores are multiplied with: the case's scale, 1, the scale's square, 1 / D, or 1 / sqrt(H · D).
  enum class Scale { given, left_out, twice, one_over_d, all_heads };
  Scale scale = Scale::given;
  std::int64_t causal_shift = 0;  ///< a query sees keys up to its own position + this
  std::int64_t window_shift = 0;  ///< the window is longer by this
  bool window_ignored = false;
  bool window_without_causal = false;  ///< with a window, later keys are seen too
  bool window_needs_causal = false;    ///< without a causal mask, the window is ignored
  bool window_both_ways = false;       ///< without a causal mask, keys W or more after a query are not seen
  bool offset_dropped = false;         ///< query t is taken to be at position t
  std::optional<double> masked_score = std::nullopt;  ///< of a masked key, in place of −∞
  bool masked_after_softmax = false;                  ///< masked keys count in the sum
  bool masked_row_mean = false;  ///< a query that sees nothing gets the mean of all values
  /// Which key/value head query head h uses: h / (H / G), h % G, h % G for values alone, 0, or 0 for one of the two.
  enum class KvHead { grouped, modulo, values_modulo, first, keys_first, values_first };
  KvHead kv_head = KvHead::grouped;
  /// Whose query a head asks with: its own, that of head 0, or that of the head with its key/value head's number.
  enum class QueryHead { own, first, of_kv_head };
  QueryHead query_head = QueryHead::own;
  /// What scores are made from and what is summed: keys and values, or one of them for both.
  enum class Rows { both, keys, values };
  Rows rows = Rows::both;
  /// What becomes of the heads other than 0.
  enum class OtherHeads { computed, zero, unwritten };
  OtherHeads other_heads = OtherHeads::computed;
  bool max_not_subtracted = false;
  bool not_rescaled = false;  ///< online softmax: what was added up is not rescaled when the maximum grows
  bool masked_after_max = false;                   ///< online softmax: masked keys count in a block's maximum
  std::optional<double> first_max = std::nullopt;  ///< online softmax: what the maximum is at first; −∞
  std::int64_t step = 1;                           ///< keys after the last multiple of this are not read
  std::optional<NumberType> products = std::nullopt;     ///< q·k is rounded to this before it is scaled
  std::optional<NumberType> scores = std::nullopt;       ///< rounded to this before the softmax
  std::optional<NumberType> accumulator = std::nullopt;  ///< Σ p·v is rounded to this after every key
  bool q_stride_for_all = false;                         ///< k and v are read with rows as far apart as q's
  bool truncated = false;
};

/// Attention as `variant` does it, in `Real` arithmetic, rounded to the case's type. For float and double.
template <typename Real>
Values attention_variant(const Case& problem, const AttentionVariant& variant);

/// The op's known mistakes.
std::vector<Mistake> attention_mistakes();

}  // namespace rung::check

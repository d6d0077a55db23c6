#pragma once

#include <cstdint>

#include "core/check/number_type.h"
#include "core/oracle/transformer.h"
#include "core/stage/kv_type.h"

namespace rung::check {

/// Makes the fp64 transformer as inexact as a right implementation at lower precision may be, with one draw
/// of all its rounding errors:
///
/// - every activation (trace point) is rounded stochastically to `type`;
/// - every linear layer's sum gets the round-off of an fp32 accumulator that adds its K products one by one,
///   in any order. Rounding the partial sum s by about 0.6·u·|s| (stochastic rounding, the average over a
///   binade) K times adds up to a nearly normal error with the variance 0.36·u²·Σs². For products in random
///   order, E Σs² = (K + 1)·(S²/3 + Q/6), where S is the sum and Q the sum of the products' squares;
/// - every row of a norm gets one relative error: half that of the sum of squares under the root (all terms
///   positive, so s grows evenly: variance 0.36·u²·n/3), and that of the root's reciprocal.
///
/// The last two are needed. With activations alone, a right fp32 implementation is outside three times the
/// largest deviation (measured: 118 % of the logits' budget on `tiny`, up to 215 % at other points), because
/// a sum of K products is off by several times the rounding of its result. With them it uses 10 to 30 % at
/// every point, in all layers alike. Scores and probabilities of attention need no rounding of their own:
/// what q, k and v bring along is larger.
oracle::Hook rounding_hook(NumberType type, std::uint64_t seed);

/// Rounds rotated keys and values stochastically to what a cache stores them as: neighbours in fp16, or whole multiples
/// of a 127th of the largest of their head's numbers at their position. A hook that does nothing for fp32.
oracle::Hook kv_rounding_hook(KvType type, std::int64_t head_dim, std::uint64_t seed);

/// Rounds the inputs of linear layers (the trace points that are one and nothing else: the norms, attention's output,
/// the feed-forward layer's activation) to whole multiples of a 127th of the largest of `group` numbers: stochastically.
oracle::Hook activation_rounding_hook(std::int64_t group, std::uint64_t seed);
/// The same to the nearest: one of the right ways to do it.
oracle::Hook nearest_activation_hook(std::int64_t group);

}  // namespace rung::check

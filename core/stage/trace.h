#pragma once

#include <string_view>

#include "core/tensor/matrix.h"

namespace rung {

/// Sees the named activations of a forward pass as they are computed. One row per batch row, in batch order.
///
/// The points, in order (N a layer, H and G heads of D):
///
///     embedding                              [T, hidden]
///     layers.N.attention.norm                [T, hidden]
///     layers.N.attention.q                   [T, H·D]
///     layers.N.attention.k, .v               [T, G·D]
///     layers.N.attention.q_rotated           [T, H·D]
///     layers.N.attention.k_rotated           [T, G·D]
///     layers.N.attention.output              [T, H·D]   before the output projection
///     layers.N.attention.projected           [T, hidden]
///     layers.N.attention.residual            [T, hidden]   the residual stream after attention
///     layers.N.feed_forward.norm             [T, hidden]
///     layers.N.feed_forward.gate, .up        [T, feed_forward]
///     layers.N.feed_forward.activation       [T, feed_forward]   silu(gate) · up
///     layers.N.feed_forward.output           [T, hidden]
///     layers.N.feed_forward.residual         [T, hidden]
///     norm                                   [wanted, hidden]
///     logits                                 [wanted, V]
///
/// A mixture of E experts of which each token goes through k has between norm and output:
///
///     layers.N.feed_forward.router.scores    [T, E]   before the softmax
///     layers.N.feed_forward.router.chosen    [T, k]   the experts' numbers, by falling score, ties to the lower number
///     layers.N.feed_forward.router.weights   [T, k]   what their outputs are multiplied by
///     layers.N.feed_forward.gate, .up        [T, k · feed_forward]   of these experts, one after the other
///     layers.N.feed_forward.activation       [T, k · feed_forward]
class Trace {
 public:
  virtual ~Trace() = default;
  /// One point's values, valid during the call.
  virtual void see(std::string_view point, const ConstMatrixView& values) = 0;
  /// A stage that fuses ops says which points it never had in memory.
  virtual void not_materialised(std::string_view /*point*/) {}
};

}  // namespace rung

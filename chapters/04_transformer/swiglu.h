#pragma once

#include <memory>

#include "chapters/02_tensors/linear.h"
#include "chapters/04_transformer/feed_forward.h"

namespace rung {

/// out = silu(gate) · up, number by number, where silu(z) = z / (1 + exp(-z)).
/// Source: Shazeer, arXiv:2002.05202, section 2.
/// @param gate, up, out  [T, n]; out may be gate or up itself
void swiglu(const ConstMatrixView& gate, const ConstMatrixView& up, MatrixView out);

/// The gated feed-forward layer: down(silu(gate(x)) · up(x)).
class SwiGlu : public FeedForward {
 public:
  /// @param gate, up  hidden to feed_forward
  /// @param down      feed_forward to hidden
  SwiGlu(std::unique_ptr<Linear> gate, std::unique_ptr<Linear> up, std::unique_ptr<Linear> down)
      : gate_(std::move(gate)), up_(std::move(up)), down_(std::move(down)) {}

  std::int64_t weight_bytes() const override;
  std::int64_t flops_per_row() const override;
  void run(const ConstMatrixView& x, MatrixView out, Trace* trace, const std::string& point) const override;

 private:
  std::unique_ptr<Linear> gate_, up_, down_;
};

}  // namespace rung

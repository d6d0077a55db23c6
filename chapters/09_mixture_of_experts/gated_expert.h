#pragma once

#include <cmath>
#include <memory>
#include <string>
#include <utility>

#include "chapters/02_tensors/linear.h"
#include "chapters/04_transformer/feed_forward.h"

namespace rung {

/// A shared expert that counts as much as a gate of its own says: y = sigmoid(gate · x) · expert(x). Qwen1.5-MoE's and
/// Qwen2-MoE's; DeepSeek's shared experts have no gate.
class GatedExpert : public FeedForward {
 public:
  /// @param gate  hidden to 1
  GatedExpert(std::unique_ptr<Linear> gate, std::unique_ptr<FeedForward> expert)
      : gate_(std::move(gate)), expert_(std::move(expert)) {}
  std::int64_t weight_bytes() const override { return gate_->weight_bytes() + expert_->weight_bytes(); }
  std::int64_t flops_per_row() const override { return 2 * gate_->in() + expert_->flops_per_row(); }
  void run(const ConstMatrixView& x, MatrixView out, Trace* trace, const std::string& point) const override {
    expert_->run(x, out, trace, point);
    Matrix gate(x.rows(), 1);
    gate_->apply(Activations(x), gate);
    for (Eigen::Index t = 0; t < x.rows(); ++t) out.row(t) *= 1 / (1 + std::exp(-gate(t, 0)));
  }

 private:
  std::unique_ptr<Linear> gate_;
  std::unique_ptr<FeedForward> expert_;
};

}  // namespace rung

// The part of the transformer that the operation of swiglu.cpp fills: three matrices around it.

#include "chapters/04_transformer/swiglu.h"

namespace rung {

std::int64_t SwiGlu::weight_bytes() const {
  return gate_->weight_bytes() + up_->weight_bytes() + down_->weight_bytes();
}

std::int64_t SwiGlu::flops_per_row() const {
  return 2 * (gate_->in() * gate_->out() + up_->in() * up_->out() + down_->in() * down_->out());
}

// [run]
void SwiGlu::run(const ConstMatrixView& x, MatrixView out, Trace* trace, const std::string& point) const {
  Matrix gate(x.rows(), gate_->out());  // [T, feed_forward]
  Matrix up(x.rows(), up_->out());      // [T, feed_forward]
  const Activations input(x);
  gate_->apply(input, gate);
  up_->apply(input, up);
  if (trace) trace->see(point + ".gate", gate);
  if (trace) trace->see(point + ".up", up);
  swiglu(gate, up, gate);
  if (trace) trace->see(point + ".activation", gate);
  down_->apply(Activations(gate), out);
}
// [run]

}  // namespace rung

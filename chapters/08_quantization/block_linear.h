#pragma once

#include <memory>

#include "chapters/02_tensors/linear.h"
#include "chapters/08_quantization/block_dot.h"
#include "chapters/08_quantization/block_matrix.h"

namespace rung {

/// W as blocks, multiplied from its blocks: x is quantised to int8 in groups of 32 (QuantizedActivations).
class BlockLinear : public Linear {
 public:
  /// @param weight  [out, in]
  explicit BlockLinear(std::shared_ptr<const BlockMatrix> weight);
  std::int64_t in() const override { return weight_->columns(); }
  std::int64_t out() const override { return weight_->rows(); }
  std::int64_t weight_bytes() const override { return weight_->bytes(); }
  /// Few rows of x (decode): products of whole numbers, rows of W split over the threads. Many (prefill): both sides are
  /// decoded, W a panel of rows at a time, and multiplied in fp32. The numbers are the same; only sums are rounded
  /// otherwise.
  void apply(const Activations& x, MatrixView out) const override;

 private:
  void multiply_integers(const QuantizedActivations& x, MatrixView out) const;
  void multiply_panels(const QuantizedActivations& x, MatrixView out) const;

  std::shared_ptr<const BlockMatrix> weight_;
  BlockDot dot_;
  DecodeGroups decode_;
};

}  // namespace rung

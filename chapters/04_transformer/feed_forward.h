#pragma once

#include <cstdint>
#include <string>

#include "core/stage/trace.h"
#include "core/tensor/matrix.h"

namespace rung {

/// A part of the transformer: what follows attention in every layer, each row by itself.
class FeedForward {
 public:
  virtual ~FeedForward() = default;
  /// Memory of the weights that one run() reads.
  virtual std::int64_t weight_bytes() const = 0;
  /// Multiplications and additions that each row takes.
  virtual std::int64_t flops_per_row() const = 0;
  /// @param x      [T, hidden], normed
  /// @param out    [T, hidden], overwritten
  /// @param trace  sees `point`.gate, .up and .activation; may be null
  virtual void run(const ConstMatrixView& x, MatrixView out, Trace* trace,
                   const std::string& point) const = 0;
};

}  // namespace rung

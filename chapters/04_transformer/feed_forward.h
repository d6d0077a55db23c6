#pragma once

#include <cstdint>
#include <string>

#include "core/stage/trace.h"
#include "core/tensor/matrix.h"

namespace rung {

/// What a mixture of experts reads besides its router: only the experts that rows go to.
struct ExpertCost {
  std::int64_t experts = 0;  ///< E; 0: no mixture
  std::int64_t used = 0;     ///< k, for each row
  std::int64_t bytes = 0;    ///< memory of all E together, each as large as the others
};

/// A part of the transformer: what follows attention in every layer, each row by itself.
class FeedForward {
 public:
  virtual ~FeedForward() = default;
  /// Memory of the weights that a run() of one row reads: all of them, but in a mixture.
  virtual std::int64_t weight_bytes() const = 0;
  /// Memory of all weights.
  virtual std::int64_t held_bytes() const { return weight_bytes(); }
  /// The part of held_bytes() of which a run() reads no more than its rows need.
  virtual ExpertCost expert_cost() const { return {}; }
  /// Multiplications and additions that each row takes.
  virtual std::int64_t flops_per_row() const = 0;
  /// @param x      [T, hidden], normed
  /// @param out    [T, hidden], overwritten
  /// @param trace  sees `point`.gate, .up and .activation, and what else a mixture has (core/stage/trace.h); may be null
  virtual void run(const ConstMatrixView& x, MatrixView out, Trace* trace,
                   const std::string& point) const = 0;
};

}  // namespace rung

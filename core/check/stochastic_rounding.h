#pragma once

#include <cstdint>
#include <span>

#include "core/check/number_type.h"
#include "core/check/random.h"

namespace rung::check {

/// Rounds to one of the two neighbours in a number type, to the nearer one more often: up with a probability
/// that is the value's distance from the lower one, so that the error is 0 on average. A model whose
/// activations are rounded so again and again shows how far the type's precision can move its results.
/// Source: Croci et al., "Stochastic rounding: implementation, error analysis and applications" (2022).
/// Range is not modelled: what is too large for the type stays as large as it is.
class StochasticRounding {
 public:
  /// @param seed  the same seed rounds in the same way again
  StochasticRounding(NumberType type, std::uint64_t seed);

  /// `value` rounded.
  double operator()(double value);
  /// Rounds all, in place.
  void operator()(std::span<double> values);

 private:
  double unit_roundoff_, smallest_;
  Random random_;
};

}  // namespace rung::check

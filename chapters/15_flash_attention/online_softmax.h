#pragma once

#include <span>
#include <vector>

namespace rung {

/// What is known of a softmax-weighted sum of vectors after some of them, and enough to go on.
struct OnlineSoftmax {
  float max;                 ///< the largest score so far; −∞ of none
  float sum;                 ///< Σ exp(score − max)
  std::vector<float> value;  ///< [D] Σ exp(score − max) · value; divided by `sum` it is the result so far

  /// Of no score.
  /// @param size  D
  static OnlineSoftmax none(std::size_t size);
};

/// Adds one score and its value. A score of −∞ is masked and changes nothing.
/// @param value  [D]
void add_key(OnlineSoftmax& state, float score, std::span<const float> value);

/// What is known of two sets of keys together: order does not matter, but for rounding.
/// @param b  of as many numbers as a
OnlineSoftmax merged(const OnlineSoftmax& a, const OnlineSoftmax& b);

}  // namespace rung

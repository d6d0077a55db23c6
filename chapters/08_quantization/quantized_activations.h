#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "core/tensor/matrix.h"

namespace rung {

/// Numbers in a group of activations: the block of most weight types, and a whole part of the others'.
inline constexpr std::int64_t activation_group = 32;

/// Whole groups that `numbers` numbers take; the last one is filled up.
constexpr std::int64_t activation_groups(std::int64_t numbers) {
  return (numbers + activation_group - 1) / activation_group;
}

/// 32 numbers as int8 with one scale: x ≈ scale · q, q from -127 to 127. The scale is the largest magnitude over 127, so
/// that this number becomes 127 or -127, in fp32: activations are made anew all the time and never stored, so that two
/// bytes saved would buy nothing. q is rounded to nearest, ties to even.
///
/// A group whose largest magnitude is below 2^-120 becomes all 0; one with a number that is not finite gets NaN for a
/// scale, so that whatever is made of it is NaN too.
/// @param numbers  32 of them
/// @param q        32 whole numbers; of 16 bits, because that is what they are multiplied as
/// @return the scale
float quantize_group(const float* numbers, std::int16_t* q);

/// The input of a linear layer as groups of int8, made once and used by every row of weights, and by q, k and v alike.
class QuantizedActivations {
 public:
  /// @param x  [T, n]; rows are filled up with 0 to whole groups
  explicit QuantizedActivations(const ConstMatrixView& x);
  /// One row that has been quantised elsewhere.
  /// @param numbers  from -127 to 127, whole groups of 32
  /// @param scales   one for each group
  QuantizedActivations(std::span<const std::int8_t> numbers, std::span<const float> scales);

  std::int64_t rows() const { return rows_; }      ///< T
  std::int64_t groups() const { return groups_; }  ///< of a row

  /// The whole numbers of row t: [groups · 32].
  const std::int16_t* numbers(std::int64_t t) const { return &numbers_[t * groups_ * activation_group]; }
  /// The scales of row t: [groups].
  const float* scales(std::int64_t t) const { return &scales_[t * groups_]; }
  /// scale · Σ q of each group of row t, what a minimum of the weights is multiplied by: [groups].
  const float* sums(std::int64_t t) const { return &sums_[t * groups_]; }

  /// scale · q, [T, groups · 32], for many rows: products of fp32. Made when first asked for; not by several threads.
  const Matrix& dequantized() const;

 private:
  void add_up();

  std::int64_t rows_, groups_;
  std::vector<std::int16_t> numbers_;
  std::vector<float> scales_, sums_;
  mutable Matrix dequantized_;
};

}  // namespace rung

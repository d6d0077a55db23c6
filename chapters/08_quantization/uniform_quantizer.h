#pragma once

#include <cstdint>
#include <vector>

#include "core/tensor/matrix.h"

namespace rung {

// Weights as small whole numbers, from first principles: evenly spaced levels, round to nearest. The block formats of
// this chapter are the same with a fixed group and a fixed place for every bit.

/// Where the levels of b bits lie.
enum class LevelRange {
  symmetric,   ///< from -(2^(b-1) - 1) to 2^(b-1) - 1; the zero point is 0
  asymmetric,  ///< from 0 to 2^b - 1; one of them, the zero point, stands for the number 0
};

/// Which numbers of a matrix [out, in] share a scale.
enum class ScaleFor {
  tensor,   ///< all
  channel,  ///< a row each: the weights of one output
  group,    ///< so many neighbours of a row
};

// [scheme]
/// All that decides how a matrix is quantised.
struct UniformScheme {
  int bits = 4;  ///< b, from 2 to 8
  LevelRange range = LevelRange::symmetric;
  ScaleFor scale_for = ScaleFor::group;
  std::int64_t group = 32;  ///< of ScaleFor::group; a row's last group has what is left of the row
};

/// x ≈ scale · (q - zero).
struct UniformScale {
  float scale = 0;        ///< the distance of two levels, above 0; 0 where all numbers are (or as good as)
  std::int32_t zero = 0;  ///< the zero point, a level itself
};
// [scheme]

/// Levels, row-major [out, in].
using LevelMatrix = Eigen::Matrix<std::int32_t, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

/// A quantised matrix.
struct UniformMatrix {
  UniformScheme scheme;
  LevelMatrix levels;  ///< [out, in]
  /// One; or [out]; or [out, ⌈in / group⌉], row-major.
  std::vector<UniformScale> scales;
};

/// The scale of numbers that share one. Symmetric: the largest magnitude over 2^(b-1) - 1, so that it gets the last
/// level. Asymmetric: from the least number to the greatest, both moved to 0 if they are on the same side of it, in
/// 2^b - 1 steps; the zero point is the level nearest to 0, -least / scale. Computed in double and rounded to fp32. A
/// scale that is 0 in fp32 has the zero point 0.
/// @param numbers  any shape, at least one number
/// @throws Error (bad_input) when one is not finite
UniformScale fit_scale(const ConstMatrixView& numbers, const UniformScheme& scheme);

/// The level nearest to a number: x / scale in double, rounded to the nearest whole number, of two as near ones the
/// one farther from 0 (std::round); plus the zero point; the last level where that is beyond it. 0 for a scale of 0.
/// @param x  finite
std::int32_t nearest_level(float x, const UniformScale& scale, const UniformScheme& scheme);

/// Fits a scale to all numbers that share one, and rounds each of them to its level.
/// @param weights  [out, in]; its rows may be apart
/// @throws Error (usage) for bits outside 2 to 8 or a group below 1, (bad_input) when a number is not finite
UniformMatrix quantize_uniform(const ConstMatrixView& weights, const UniformScheme& scheme);

/// scale · (q - zero) of every level, [out, in].
Matrix dequantize(const UniformMatrix& quantized);

/// Bits that a weight takes with its share of the scales: b, plus 16 for a scale (as fp16) and b for a zero point, over
/// the numbers that share them.
/// @param out, in  the shape of the matrix, 1 or more
double bits_per_weight(const UniformScheme& scheme, std::int64_t out, std::int64_t in);

}  // namespace rung

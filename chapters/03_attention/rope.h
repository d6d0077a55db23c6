#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "core/checkpoint/config.h"
#include "core/tensor/matrix.h"

namespace rung {

/// The angle per position of each pair of a head: theta^(-2i/D) for i in [0, D/2), then scaled as the model
/// says. Source: RoFormer, arXiv:2104.09864, section 3.4.2; scaling: arXiv:2306.15595 and Llama 3.1's model
/// card.
/// @param head_dim  D, even
/// @return D/2 angles, in radians
std::vector<double> rope_frequencies(const RopeConfig& config, std::int64_t head_dim);

// [rotations]
/// Cosines and sines of the positions of a batch, computed once and used by every layer and head.
struct Rotations {
  Matrix cosines;  ///< [T, D/2]
  Matrix sines;    ///< [T, D/2]

  /// Angles are computed in double: position · frequency in fp32 would be off by 5e-4 radians at position
  /// 8,192.
  Rotations(const std::vector<double>& frequencies, std::span<const std::int32_t> positions);
};
// [rotations]

// [rope]
/// Rotates each pair (a, b) of every head by its angle, in place: (a cos - b sin, a sin + b cos).
/// @param x          [T, heads · D]
/// @param rotations  of the same T positions
/// @param layout     which two numbers are a pair. It must be the one the weights were trained (or permuted)
///                   for: with the other one the first words read well, then the text repeats itself, or worse.
void rope(MatrixView x, const Rotations& rotations, RopeLayout layout);
// [rope]

}  // namespace rung

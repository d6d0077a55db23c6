#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "core/checkpoint/config.h"

namespace rung::oracle {

/// The D/2 angles per position: theta^(−2i/D) (RoFormer, arXiv:2104.09864, equation 15), then scaled as
/// `config` says: linear (position interpolation, arXiv:2306.15595), Llama 3.1 (Meta's llama-models,
/// `apply_scaling`), or GGUF's factors.
/// @throws Error (usage) when D is odd or not positive, or when the number of factors is not D/2
std::vector<double> rope_frequencies(const RopeConfig& config, std::int64_t D);

/// The two numbers of a head's D that pair i turns, 0 <= i < D/2.
struct RopePair {
  std::int64_t first = 0;
  std::int64_t second = 0;
};
/// Where pair i is in this layout. (Half-split: i and i + D/2; interleaved: 2i and 2i + 1.)
RopePair rope_pair(RopeLayout layout, std::int64_t i, std::int64_t D);

/// Turns pair i of every head of row t by the angle positions[t]·frequencies[i] (RoFormer, equation 34):
///
///     y_first  = x_first·cos − x_second·sin
///     y_second = x_second·cos + x_first·sin
///
/// @param x, y       [T, H, D], D = 2·frequencies.size(); may be the same memory
/// @param positions  [T]
/// @throws Error (usage) when a span does not hold what its shape says
void rope(RopeLayout layout, std::span<const double> frequencies, std::span<const std::int64_t> positions,
          std::span<const double> x, std::int64_t H, std::span<double> y);

}  // namespace rung::oracle

#pragma once

#include <span>

namespace rung {

/// x ≈ scale · q - minimum, with scale and minimum >= 0.
struct ScaleAndShift {
  float scale = 0;
  float minimum = 0;
};

/// What the least weighted squared error Σ w (x - s q)² needs of numbers and their levels: s = Σ w x q / Σ w q².
///
/// The largest number need not get the last level: cutting it off a little may make all others finer. So several
/// scales around the obvious one are tried; each gives levels, by rounding, and these the scale that suits them best
/// (least squares). The best of all is kept. ggml searches alike (ggml-quants.c, make_qx_quants).
/// @param numbers  finite
/// @param weights  what an error of each counts, >= 0; as many
/// @param half     levels reach from -half to half - 1
/// @return s, of either sign; 0 when all numbers are
float search_scale(std::span<const float> numbers, std::span<const float> weights, int half);

/// The same for x ≈ s q - m, q from 0 to `most`: levels by rounding, then s and m by least squares (a line through
/// the numbers), ggml's make_qkx2_quants. The minimum is never below 0: all numbers above 0 are levels from 0 on.
/// @param numbers  finite
/// @param weights  as many
ScaleAndShift search_scale_and_minimum(std::span<const float> numbers, std::span<const float> weights,
                                       int most);

}  // namespace rung

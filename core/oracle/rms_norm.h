#pragma once

#include <cstdint>
#include <span>

namespace rung::oracle {

/// y = weight · x / sqrt(mean(x²) + eps), row by row (Zhang and Sennrich, "Root Mean Square Layer
/// Normalization", arXiv:1910.07467, equation 4; eps under the root as in Llama).
/// @param x, y    [rows, n]
/// @param weight  [n]
/// @throws Error (usage) when a span does not hold what its shape says
void rms_norm(std::span<const double> x, std::span<const double> weight, std::int64_t rows, std::int64_t n,
              double eps, std::span<double> y);

}  // namespace rung::oracle

#pragma once

#include <cstdint>
#include <span>

namespace rung::oracle {

/// y = x·Wᵀ.
/// @param x  [M, K] activations
/// @param w  [N, K] weights, one row per output, as in checkpoints
/// @param y  [M, N]
/// @throws Error (usage) when a span does not hold what its shape says
void linear(std::span<const double> x, std::span<const double> w, std::int64_t M, std::int64_t N,
            std::int64_t K, std::span<double> y);

}  // namespace rung::oracle

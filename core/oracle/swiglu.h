#pragma once

#include <span>

namespace rung::oracle {

/// y = silu(gate) · up, element by element, silu(x) = x / (1 + exp(−x)) (Shazeer, "GLU Variants Improve
/// Transformer", arXiv:2002.05202, equation 6, without the projections).
/// @throws Error (usage) when the three sizes differ
void swiglu(std::span<const double> gate, std::span<const double> up, std::span<double> y);

}  // namespace rung::oracle

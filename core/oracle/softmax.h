#pragma once

#include <cstdint>
#include <span>

namespace rung::oracle {

/// y_i = exp(x_i) / Σ_j exp(x_j), row by row, with the row's maximum taken out first so that exp cannot
/// overflow. Masked entries are −∞ and get 0. A row that is masked altogether is defined as all 0.
/// @param x, y  [rows, n]
/// @throws Error (usage) when a span does not hold what its shape says
void softmax(std::span<const double> x, std::int64_t rows, std::int64_t n, std::span<double> y);

}  // namespace rung::oracle

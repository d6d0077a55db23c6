#pragma once

#include <cstdint>

#include "core/measure/roofline.h"
#include "core/tensor/dtype.h"

namespace rung {

/// What one product y = x · Wᵀ must compute and move at the least: a multiply and an add for each of its
/// T · N · K terms, and one pass over W as it is stored, over x and over y, both fp32.
/// @param rows    T, rows of x [T, K] and of y [T, N]
/// @param out     N, rows of W [N, K]
/// @param in      K, a multiple of the weight type's block
/// @param weight  how W is stored
/// @throws Error (usage) when an extent is below 1 or `in` is not whole blocks
measure::Work linear_work(std::int64_t rows, std::int64_t out, std::int64_t in, DType weight);

}  // namespace rung

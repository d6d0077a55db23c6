#pragma once

#include <cmath>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "core/demo/demo.h"
#include "core/tensor/dtype.h"
#include "core/tensor/matrix.h"

namespace rung {

/// Levels, scales and what they cost: a block by hand, the formats, outliers, groups.
std::vector<DemoPart> number_parts();
/// Errors of a matrix product: of its weights, of its activations.
std::vector<DemoPart> error_parts();
/// Whole models: perplexity and divergence of every type, and what quantising twice does.
std::vector<DemoPart> model_parts();

/// √(Σ (a - b)² / Σ b²), the error of `a` where `b` is right.
double relative_error(const ConstMatrixView& a, const ConstMatrixView& b);

/// The numbers as blocks of `type` and back, one row behind the other: a block may reach from one row into the next,
/// which no file does, so that types with blocks of 256 can be shown on rows that are shorter.
/// @throws Error (bad_input) when blocks do not fill the matrix
Matrix rounded_to(DType type, const ConstMatrixView& numbers);

/// Normally distributed numbers of variance 1, the same on every machine.
Matrix normal_numbers(std::int64_t rows, std::int64_t columns, unsigned seed);

/// The text that lies beside `tiny` and that it has not been trained on.
std::string heldout_text(const Checkpoint& tiny);

}  // namespace rung

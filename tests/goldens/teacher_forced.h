#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <vector>

#include "core/stage/stage.h"
#include "core/tensor/matrix.h"

namespace rung::testing {

/// tests/golden/ in the repository.
std::filesystem::path golden_folder();

/// Runs `tokens` as one sequence, `chunk` at a time (0: all at once), and then forgets it.
/// @return logits of every position, [tokens, V]
Matrix teacher_forced(Stage& stage, std::span<const std::int32_t> tokens, std::int32_t chunk);

/// The largest over the positions of max |got - expected| / max |expected|. A number that is not finite, and
/// a shape that differs, count as infinitely wrong.
double relative_error(const Matrix& got, const Matrix& expected);

/// ln(sum of exp(logits)), in double.
double log_sum_exp(std::span<const float> logits);

/// Row `row` of a matrix as a span.
inline std::span<const float> row_of(const Matrix& matrix, Eigen::Index row) {
  return {matrix.data() + row * matrix.cols(), static_cast<std::size_t>(matrix.cols())};
}

}  // namespace rung::testing

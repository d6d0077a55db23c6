#include "tests/goldens/teacher_forced.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace rung::testing {

std::filesystem::path golden_folder() {
  return std::filesystem::path(RUNG_SOURCE_DIR) / "tests" / "golden";
}

Matrix teacher_forced(Stage& stage, std::span<const std::int32_t> tokens, std::int32_t chunk) {
  const auto count = static_cast<std::int32_t>(tokens.size());
  const std::int32_t step = chunk == 0 ? count : chunk;
  const SequenceId sequence = 7;
  Matrix logits(count, stage.config().vocab);  // [tokens, V]
  for (std::int32_t first = 0; first < count; first += step) {
    const std::int32_t rows = std::min(step, count - first);
    Batch batch;
    batch.add(sequence, first,
              tokens.subspan(static_cast<std::size_t>(first), static_cast<std::size_t>(rows)),
              Batch::Logits::all);
    logits.middleRows(first, rows) = stage.forward(batch);
  }
  stage.sequences().drop(sequence);
  return logits;
}

double relative_error(const Matrix& got, const Matrix& expected) {
  constexpr double infinity = std::numeric_limits<double>::infinity();
  if (got.rows() != expected.rows() || got.cols() != expected.cols()) {
    return infinity;
  }
  double worst = 0;
  for (Eigen::Index row = 0; row < got.rows(); ++row) {
    double difference = 0;
    double largest = 0;
    for (Eigen::Index column = 0; column < got.cols(); ++column) {
      const double value = got(row, column);
      if (!std::isfinite(value)) {
        return infinity;
      }
      difference = std::max(difference, std::abs(value - expected(row, column)));
      largest = std::max(largest, std::abs(double{expected(row, column)}));
    }
    worst = std::max(worst, difference / largest);
  }
  return worst;
}

double log_sum_exp(std::span<const float> logits) {
  const double largest = *std::max_element(logits.begin(), logits.end());
  double sum = 0;
  for (const float logit : logits) {
    sum += std::exp(logit - largest);
  }
  return largest + std::log(sum);
}

}  // namespace rung::testing

#include "chapters/09_mixture_of_experts/capacity.h"

#include <algorithm>
#include <cmath>

#include "chapters/03_attention/softmax.h"
#include "core/error.h"

namespace rung {

std::int64_t expert_capacity(std::int64_t rows, std::int64_t experts, std::int64_t used, double factor) {
  empty_routing(0, experts, used);  // says what is wrong with k
  if (rows < 0 || !(factor > 0) || !std::isfinite(factor))
    throw Error(ErrorKind::usage, "an expert's room for {} rows with a capacity factor of {}", rows, factor);
  const double even = static_cast<double>(rows * used) / static_cast<double>(experts);
  return static_cast<std::int64_t>(std::ceil(even * factor));
}

ExpertSegments segments_within(const Routing& routing, std::int64_t capacity) {
  if (capacity < 1)
    throw Error(ErrorKind::usage, "experts with room for {} rows; it takes at least 1", capacity);
  std::vector<std::int64_t> taken(static_cast<std::size_t>(routing.experts));
  // Who is admitted: first choices of all rows, then second ones.
  std::vector<bool> admitted(routing.chosen.size());
  for (std::int64_t choice = 0; choice < routing.used; ++choice) {
    for (std::int64_t t = 0; t < routing.rows; ++t) {
      const auto i = static_cast<std::size_t>(t * routing.used + choice);
      auto& places = taken[static_cast<std::size_t>(routing.chosen[i])];
      admitted[i] = places < capacity;
      places += admitted[i] ? 1 : 0;
    }
  }
  ExpertSegments segments{.rows = routing.rows, .offsets = {0}, .row_of = {}, .weight_of = {}};
  for (std::int64_t e = 0; e < routing.experts; ++e) {
    for (std::size_t i = 0; i < routing.chosen.size(); ++i) {
      if (!admitted[i] || routing.chosen[i] != e) continue;
      segments.row_of.push_back(static_cast<std::int32_t>(static_cast<std::int64_t>(i) / routing.used));
      segments.weight_of.push_back(routing.weights[i]);
    }
    segments.offsets.push_back(std::ssize(segments.row_of));
  }
  return segments;
}

ExpertSegments expert_choice(const ConstMatrixView& scores, std::int64_t capacity) {
  if (capacity < 1 || capacity > scores.rows())
    throw Error(ErrorKind::usage, "each expert is to choose {} of {} rows", capacity, scores.rows());
  Matrix probabilities = scores;  // [T, E]
  for (Eigen::Index t = 0; t < scores.rows(); ++t) softmax(probabilities.row(t));
  ExpertSegments segments{.rows = scores.rows(), .offsets = {0}, .row_of = {}, .weight_of = {}};
  std::vector<std::int32_t> rows(static_cast<std::size_t>(capacity));
  for (Eigen::Index e = 0; e < scores.cols(); ++e) {
    const Vector of_expert = probabilities.col(e);  // [T]
    top_k({of_expert.data(), static_cast<std::size_t>(of_expert.size())}, rows);
    std::ranges::sort(rows);
    for (const std::int32_t row : rows) {
      segments.row_of.push_back(row);
      segments.weight_of.push_back(of_expert[row]);
    }
    segments.offsets.push_back(std::ssize(segments.row_of));
  }
  return segments;
}

}  // namespace rung

#include "chapters/09_mixture_of_experts/segments.h"

#include <numeric>

namespace rung {

ExpertSegments segments_of(const Routing& routing) {
  ExpertSegments segments{.rows = routing.rows,
                          .offsets = std::vector<std::int64_t>(static_cast<std::size_t>(routing.experts) + 1),
                          .row_of = std::vector<std::int32_t>(routing.chosen.size()),
                          .weight_of = std::vector<float>(routing.chosen.size())};
  // How many rows each expert has, one place late; summed up, that is where its segment begins.
  for (const std::int32_t expert : routing.chosen) ++segments.offsets[static_cast<std::size_t>(expert) + 1];
  std::partial_sum(segments.offsets.begin(), segments.offsets.end(), segments.offsets.begin());
  std::vector<std::int64_t> next(segments.offsets.begin(), segments.offsets.end() - 1);
  for (std::size_t i = 0; i < routing.chosen.size(); ++i) {
    const auto place = static_cast<std::size_t>(next[static_cast<std::size_t>(routing.chosen[i])]++);
    segments.row_of[place] = static_cast<std::int32_t>(static_cast<std::int64_t>(i) / routing.used);
    segments.weight_of[place] = routing.weights[i];
  }
  return segments;
}

void gather_rows(const ExpertSegments& segments, const ConstMatrixView& x, MatrixView gathered) {
  for (std::size_t p = 0; p < segments.row_of.size(); ++p)
    gathered.row(static_cast<Eigen::Index>(p)) = x.row(segments.row_of[p]);
}

void combine_rows(const ExpertSegments& segments, const ConstMatrixView& results, MatrixView out) {
  out.setZero();
  for (std::size_t p = 0; p < segments.row_of.size(); ++p)
    out.row(segments.row_of[p]) += segments.weight_of[p] * results.row(static_cast<Eigen::Index>(p));
}

}  // namespace rung

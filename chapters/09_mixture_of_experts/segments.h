#pragma once

#include <cstdint>
#include <vector>

#include "chapters/09_mixture_of_experts/routing.h"
#include "core/tensor/matrix.h"

namespace rung {

// [segments]
/// The same assignments as a Routing, sorted by expert: expert e works on places [offsets[e], offsets[e + 1]).
struct ExpertSegments {
  std::int64_t rows = 0;  ///< T, rows that were routed
  std::vector<std::int64_t>
      offsets;  ///< [E + 1], rising from 0 to N; an expert without a row has two equal ones
  std::vector<std::int32_t> row_of;  ///< [N], which row is in that place; rising within a segment
  std::vector<float> weight_of;      ///< [N], with which its result counts in that row

  /// E.
  std::int64_t experts() const { return static_cast<std::int64_t>(offsets.size()) - 1; }
  /// N.
  std::int64_t places() const { return offsets.back(); }
  /// Rows that go to an expert.
  std::int64_t count(std::int64_t expert) const {
    const auto e = static_cast<std::size_t>(expert);
    return offsets[e + 1] - offsets[e];
  }
};
// [segments]

/// Sorts a routing by expert, in two passes over it: count, then put each in the next free place of its expert.
/// @return N = rows · used places
ExpertSegments segments_of(const Routing& routing);

/// Copies rows into the order of the segments.
/// @param x         [T, n]
/// @param gathered  [N, n], overwritten: place p is row row_of[p] of x
void gather_rows(const ExpertSegments& segments, const ConstMatrixView& x, MatrixView gathered);

/// The way back: each row of `out` is the weighted sum of its places, 0 where it has none. The sums of a row are made in
/// the order of the experts, whatever the batch.
/// @param results  [N, n], of each place
/// @param out      [T, n], overwritten
void combine_rows(const ExpertSegments& segments, const ConstMatrixView& results, MatrixView out);

}  // namespace rung

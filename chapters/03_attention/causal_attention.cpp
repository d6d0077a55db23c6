#include "chapters/03_attention/causal_attention.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "chapters/03_attention/softmax.h"

namespace rung {

namespace {

// Queries are taken this many at a time, so that the scores of a long prompt stay small: 64 × S, not T × S.
constexpr Eigen::Index query_tile = 64;

}  // namespace

void causal_attention(const ConstMatrixView& q, const ConstMatrixView& keys, const ConstMatrixView& values,
                      std::int64_t head_dim, const AttentionSpan& span, MatrixView out) {
  const Eigen::Index heads = q.cols() / head_dim;
  const Eigen::Index tiles = (q.rows() + query_tile - 1) / query_tile;
  const float scale = 1 / std::sqrt(static_cast<float>(head_dim));
#pragma omp parallel for schedule(dynamic) collapse(2)
  for (Eigen::Index tile = 0; tile < tiles; ++tile) {
    for (Eigen::Index head = 0; head < heads; ++head) {
      const Eigen::Index row = tile * query_tile;
      const Eigen::Index rows = std::min(query_tile, q.rows() - row);
      const Eigen::Index column = head * head_dim;

      // Leave out the keys that no query of the tile may see.
      const std::int64_t first = span.first_query + row;  // position of the tile's first query
      const std::int64_t begin = std::max(span.first_key, span.window ? first - *span.window + 1 : 0);
      const std::int64_t end = std::min(span.first_key + keys.rows(), first + rows);
      if (begin >= end) {
        out.block(row, column, rows, head_dim).setZero();
        continue;
      }
      // [products]
      const auto visible_keys = keys.block(begin - span.first_key, column, end - begin, head_dim);
      const auto visible_values = values.block(begin - span.first_key, column, end - begin, head_dim);

      Matrix scores(rows, end - begin);  // [queries of the tile, keys any of them sees]
      scores.noalias() = q.block(row, column, rows, head_dim) * visible_keys.transpose();
      scores *= scale;
      // [products]
      for (Eigen::Index t = 0; t < rows; ++t) {
        // Query t sees the positions [oldest, newest]; the scores of the others become -infinity.
        const std::int64_t newest = first + t;
        const std::int64_t oldest = span.window ? newest - *span.window + 1 : 0;
        const Eigen::Index hidden_before = std::clamp<std::int64_t>(oldest - begin, 0, end - begin);
        const Eigen::Index hidden_after = std::clamp<std::int64_t>(end - 1 - newest, 0, end - begin);
        scores.row(t).head(hidden_before).setConstant(-std::numeric_limits<float>::infinity());
        scores.row(t).tail(hidden_after).setConstant(-std::numeric_limits<float>::infinity());
        softmax(scores.row(t));
      }
      out.block(row, column, rows, head_dim).noalias() = scores * visible_values;
    }
  }
}

}  // namespace rung

#include "chapters/07_grouped_query/grouped_attention.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <vector>

#include "chapters/03_attention/softmax.h"
#include "chapters/07_grouped_query/ring.h"

namespace rung {

namespace {

// Rows of a product: so many queries are taken at a time, those of all heads of a group counted, that the scores of
// a long prompt stay small.
constexpr Eigen::Index tile_rows = 64;

// A product of so few rows is made row by row: what Eigen prepares for many costs more than it saves.
constexpr Eigen::Index few_rows = 4;

/// out += a · b
template <typename A, typename B, typename Out>
void add_product(const A& a, const B& b, Out out) {
  if (a.rows() > few_rows) {
    out.noalias() += a * b;
    return;
  }
  for (Eigen::Index row = 0; row < a.rows(); ++row) out.row(row).noalias() += a.row(row) * b;
}

/// The part of a piece that the positions [begin, end) are in.
struct Overlap {
  Eigen::Index row;     // of the piece
  Eigen::Index column;  // of the scores, whose column 0 is `begin`
  Eigen::Index count;
};

Overlap overlap(const KvPiece& piece, std::int64_t begin, std::int64_t end) {
  const std::int64_t first = std::max(begin, piece.first);
  const std::int64_t last = std::min<std::int64_t>(end, piece.first + piece.keys.rows());
  if (first >= last) return {.row = 0, .column = 0, .count = 0};
  return {.row = first - piece.first, .column = first - begin, .count = last - first};
}

}  // namespace

void grouped_attention(const ConstMatrixView& q, std::span<const KvPiece> pieces, const GroupedSpan& span,
                       MatrixView out) {
  constexpr float masked = -std::numeric_limits<float>::infinity();
  if (pieces.empty()) {
    out.setZero();
    return;
  }
  const Eigen::Index head_dim = span.head_dim;
  const Eigen::Index sharing = q.cols() / head_dim / span.kv_heads;  // H / G heads share one
  const Eigen::Index tile_queries = std::max<Eigen::Index>(1, tile_rows / sharing);
  const Eigen::Index tiles = (q.rows() + tile_queries - 1) / tile_queries;
  const std::int64_t oldest_kept = pieces.front().first;
  const std::int64_t kept_end = pieces.back().first + pieces.back().keys.rows();
  const float scale = 1 / std::sqrt(static_cast<float>(head_dim));
#pragma omp parallel for schedule(dynamic) collapse(2)
  for (Eigen::Index tile = 0; tile < tiles; ++tile) {
    for (Eigen::Index group = 0; group < span.kv_heads; ++group) {
      const Eigen::Index row = tile * tile_queries;
      const Eigen::Index count = std::min(tile_queries, q.rows() - row);
      const Eigen::Index q_column = group * sharing * head_dim;
      const Eigen::Index kv_column = group * head_dim;

      // Leave out the keys that no query of the tile may see.
      const std::int64_t first = span.first_query + row;  // position of the tile's first query
      const std::int64_t begin = std::max(oldest_kept, span.window ? first - *span.window + 1 : 0);
      const std::int64_t end = std::min<std::int64_t>(kept_end, first + count);
      if (begin >= end) {
        out.block(row, q_column, count, sharing * head_dim).setZero();
        continue;
      }
      // The group's heads of one query stand next to each other; here they become rows of one matrix.
      Matrix queries(count * sharing, head_dim);
      for (Eigen::Index t = 0; t < count; ++t) {
        for (Eigen::Index i = 0; i < sharing; ++i)
          queries.row(t * sharing + i) = q.block(row + t, q_column + i * head_dim, 1, head_dim);
      }
      Matrix scores = Matrix::Zero(count * sharing, end - begin);  // [queries · H / G, keys any of them sees]
      for (const KvPiece& piece : pieces) {
        const Overlap part = overlap(piece, begin, end);
        add_product(queries, piece.keys.block(part.row, kv_column, part.count, head_dim).transpose(),
                    scores.middleCols(part.column, part.count));
      }
      scores *= scale;
      for (Eigen::Index t = 0; t < count; ++t) {
        const std::int64_t newest = first + t;
        const std::int64_t oldest = span.window ? newest - *span.window + 1 : 0;
        const Eigen::Index before = std::clamp<std::int64_t>(oldest - begin, 0, end - begin);
        const Eigen::Index after = std::clamp<std::int64_t>(end - 1 - newest, 0, end - begin);
        for (Eigen::Index i = 0; i < sharing; ++i) {
          auto one = scores.row(t * sharing + i);
          one.head(before).setConstant(masked);
          one.tail(after).setConstant(masked);
          softmax(one);
        }
      }
      Matrix result = Matrix::Zero(count * sharing, head_dim);
      for (const KvPiece& piece : pieces) {
        const Overlap part = overlap(piece, begin, end);
        add_product(scores.middleCols(part.column, part.count),
                    piece.values.block(part.row, kv_column, part.count, head_dim),
                    result.middleRows(0, result.rows()));
      }
      for (Eigen::Index t = 0; t < count; ++t) {
        for (Eigen::Index i = 0; i < sharing; ++i)
          out.block(row + t, q_column + i * head_dim, 1, head_dim) = result.row(t * sharing + i);
      }
    }
  }
}

// [run]
void GroupedAttention::run(int layer, const ConstMatrixView& q, const ConstMatrixView& k,
                           const ConstMatrixView& v, KvStore& store, const Plan& plan, MatrixView out) const {
  for (const SequencePlan& sequence : plan.sequences) {
    for (const PositionRun& run : slot_runs(sequence, sequence.past, sequence.length())) {
      const Eigen::Index row = sequence.first_row + run.first - sequence.past;
      store.write(layer, run_to_write(sequence, run), k.middleRows(row, run.count),
                  v.middleRows(row, run.count));
    }
    std::array<Matrix, 4> scratch;  // for stores that must decode; there are two runs at most
    std::vector<KvPiece> pieces;
    for (const PositionRun& run : slot_runs(sequence, sequence.first_visible, sequence.length())) {
      const SequencePlan there = run_to_read(sequence, run);
      const std::size_t i = 2 * pieces.size();
      pieces.push_back({.first = run.first,
                        .keys = store.keys(layer, there, scratch[i]),
                        .values = store.values(layer, there, scratch[i + 1])});
    }
    grouped_attention(
        q.middleRows(sequence.first_row, sequence.rows), pieces,
        {.head_dim = head_dim_, .kv_heads = kv_heads_, .first_query = sequence.past, .window = window_},
        out.middleRows(sequence.first_row, sequence.rows));
  }
}
// [run]

}  // namespace rung

#include <algorithm>
#include <array>
#include <cmath>
#include <vector>

#include "chapters/03_attention/softmax.h"
#include "chapters/07_grouped_query/grouped_attention.h"
#include "chapters/07_grouped_query/ring.h"

namespace rung {

void grouped_attention(const ConstMatrixView& q,         // [T, H · D]
                       std::span<const KvPiece> pieces,  // of each: keys and values [rows, G · D]
                       const GroupedSpan& span,
                       MatrixView out) {  // [T, H · D]
  const Eigen::Index D = span.head_dim;
  const Eigen::Index H = q.cols() / D;
  for (Eigen::Index t = 0; t < q.rows(); ++t) {
    const std::int64_t p = span.first_query + t;
    const std::int64_t oldest = span.window ? p - *span.window + 1 : 0;
    for (Eigen::Index h = 0; h < H; ++h) {
      const Eigen::Index g = h / span.kv_heads;
      std::vector<float> scores;
      for (const KvPiece& piece : pieces) {
        for (Eigen::Index s = 0; s < piece.keys.rows(); ++s) {
          if (piece.first + s < oldest || piece.first + s > p) continue;
          float score = 0;
          const float* key = piece.keys.data() + s * piece.keys.outerStride() + g * D;
          for (Eigen::Index d = 0; d < D; ++d) score += q(t, h * D + d) * key[d];
          scores.push_back(score / std::sqrt(static_cast<float>(D)));
        }
      }
      out.block(t, h * D, 1, D).setZero();
      if (scores.empty()) continue;
      Matrix weights(1, static_cast<Eigen::Index>(scores.size()));
      std::copy(scores.begin(), scores.end(), weights.data());
      softmax(weights.row(0));
      Eigen::Index i = 0;
      for (const KvPiece& piece : pieces) {
        for (Eigen::Index s = 0; s < piece.keys.rows(); ++s) {
          if (piece.first + s < oldest || piece.first + s > p) continue;
          const float* value = piece.values.data() + s * piece.values.outerStride() + g * D;
          for (Eigen::Index d = 0; d < D; ++d) out(t, h * D + d) += weights(0, i) * value[d];
          ++i;
        }
      }
    }
  }
}

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

}  // namespace rung

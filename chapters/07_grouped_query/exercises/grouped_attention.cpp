// Exercise 7.3: attention whose query heads share keys and values. What grouped_attention must do stands in
// chapters/07_grouped_query/grouped_attention.h.
//
// This file takes the place of chapters/07_grouped_query/grouped_attention.cpp, so it must define what that one does.
// GroupedAttention::run is given.

#include "chapters/07_grouped_query/grouped_attention.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <vector>

#include "chapters/03_attention/softmax.h"
#include "chapters/07_grouped_query/ring.h"
#include "core/error.h"

namespace rung {

void grouped_attention(const ConstMatrixView& q,         // [T, H · D]
                       std::span<const KvPiece> pieces,  // of each: keys and values [rows, G · D]
                       const GroupedSpan& span,
                       MatrixView out) {  // [T, H · D]
  throw Error(
      ErrorKind::bad_input,
      "grouped_attention is not written yet: chapters/07_grouped_query/exercises/README.md, exercise 7.3");
}

// Given: writes the batch's keys and values, run by run, and attends to what each sequence remembers.
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

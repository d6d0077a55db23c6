#include "chapters/03_attention/repeated_heads.h"

#include "chapters/03_attention/causal_attention.h"

namespace rung {

Matrix repeat_heads(const ConstMatrixView& grouped, std::int64_t heads, std::int64_t kv_heads,
                    std::int64_t head_dim) {
  const std::int64_t sharing = heads / kv_heads;
  Matrix repeated(grouped.rows(), heads * head_dim);
  for (std::int64_t h = 0; h < heads; ++h) {
    repeated.middleCols(h * head_dim, head_dim) = grouped.middleCols(h / sharing * head_dim, head_dim);
  }
  return repeated;
}

// [run]
void RepeatedHeadsAttention::run(int layer, const ConstMatrixView& q, const ConstMatrixView& k,
                                 const ConstMatrixView& v, KvStore& store, const Plan& plan,
                                 MatrixView out) const {
  const Matrix keys = repeat_heads(k, heads_, kv_heads_, head_dim_);    // [T, H · D]
  const Matrix values = repeat_heads(v, heads_, kv_heads_, head_dim_);  // [T, H · D]
  Matrix key_scratch, value_scratch;
  for (const SequencePlan& sequence : plan.sequences) {
    const Eigen::Index first = sequence.first_row;
    const Eigen::Index rows = sequence.rows;
    store.write(layer, sequence, keys.middleRows(first, rows), values.middleRows(first, rows));
    causal_attention(q.middleRows(first, rows), store.keys(layer, sequence, key_scratch),
                     store.values(layer, sequence, value_scratch), head_dim_,
                     {.first_query = sequence.past, .first_key = sequence.first_visible, .window = window_},
                     out.middleRows(first, rows));
  }
}
// [run]

}  // namespace rung

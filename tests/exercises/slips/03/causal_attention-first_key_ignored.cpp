// Exercise 3.3 with row s of the keys at position s, as it is while nothing has been forgotten.

#include <algorithm>
#include <cmath>

#include "chapters/03_attention/causal_attention.h"
#include "chapters/03_attention/softmax.h"

void rung::causal_attention(const ConstMatrixView& q, const ConstMatrixView& keys,
                            const ConstMatrixView& values, std::int64_t head_dim, const AttentionSpan& span,
                            MatrixView out) {
  out.setZero();
  for (std::int64_t head = 0; head < q.cols(); head += head_dim) {
    for (std::int64_t t = 0; t < q.rows(); ++t) {
      const std::int64_t newest = span.first_query + t;
      const std::int64_t oldest = span.window ? newest - *span.window + 1 : 0;
      const std::int64_t begin = std::max<std::int64_t>(oldest, 0);
      const std::int64_t end = std::min<std::int64_t>(newest + 1, keys.rows());
      if (begin >= end) continue;
      Eigen::RowVectorXf weights(end - begin);
      for (std::int64_t s = begin; s < end; ++s) {
        float score = 0;
        for (std::int64_t d = head; d < head + head_dim; ++d) score += q(t, d) * keys(s, d);
        weights(s - begin) = score / std::sqrt(static_cast<float>(head_dim));
      }
      softmax(weights);
      for (std::int64_t s = begin; s < end; ++s) {
        for (std::int64_t d = head; d < head + head_dim; ++d) out(t, d) += weights(s - begin) * values(s, d);
      }
    }
  }
}

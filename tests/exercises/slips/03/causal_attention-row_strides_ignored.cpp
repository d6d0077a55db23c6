// Plain loops over pointers, with rows taken to stand one right behind another.

#include <cmath>
#include <vector>

#include "chapters/03_attention/causal_attention.h"
#include "chapters/03_attention/softmax.h"

namespace rung {

void causal_attention(const ConstMatrixView& q, const ConstMatrixView& keys, const ConstMatrixView& values,
                      std::int64_t head_dim, const AttentionSpan& span, MatrixView out) {
  const std::int64_t width = q.cols();
  const float scale = 1 / std::sqrt(static_cast<float>(head_dim));
  for (std::int64_t t = 0; t < q.rows(); ++t) {
    const std::int64_t position = span.first_query + t;
    for (std::int64_t head = 0; head < width / head_dim; ++head) {
      const float* query = q.data() + t * width + head * head_dim;
      float* result = out.data() + t * width + head * head_dim;
      for (std::int64_t d = 0; d < head_dim; ++d) result[d] = 0;
      Eigen::RowVectorXf scores(keys.rows());
      std::vector<std::int64_t> rows;
      for (std::int64_t s = 0; s < keys.rows(); ++s) {
        const std::int64_t other = span.first_key + s;
        if (other > position || (span.window && other <= position - *span.window)) continue;
        float sum = 0;
        for (std::int64_t d = 0; d < head_dim; ++d) {
          sum += query[d] * keys.data()[s * width + head * head_dim + d];
        }
        scores[static_cast<Eigen::Index>(rows.size())] = sum * scale;
        rows.push_back(s);
      }
      if (rows.empty()) continue;
      softmax(scores.head(static_cast<Eigen::Index>(rows.size())));
      for (std::size_t i = 0; i < rows.size(); ++i) {
        for (std::int64_t d = 0; d < head_dim; ++d) {
          result[d] +=
              scores[static_cast<Eigen::Index>(i)] * values.data()[rows[i] * width + head * head_dim + d];
        }
      }
    }
  }
}

}  // namespace rung

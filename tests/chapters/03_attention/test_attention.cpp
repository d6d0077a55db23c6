#include <cmath>
#include <vector>

#include "chapters/03_attention/causal_attention.h"
#include "chapters/03_attention/repeated_heads.h"
#include "tests/catch.h"

using rung::Matrix;

namespace {

// The definition, one number at a time, in double.
Matrix attention_loops(const Matrix& q, const Matrix& keys, const Matrix& values, Eigen::Index head_dim,
                       const rung::AttentionSpan& span) {
  Matrix out = Matrix::Zero(q.rows(), q.cols());
  for (Eigen::Index t = 0; t < q.rows(); ++t) {
    for (Eigen::Index head = 0; head < q.cols() / head_dim; ++head) {
      const Eigen::Index first = head * head_dim;
      std::vector<double> weights(static_cast<std::size_t>(keys.rows()), 0.0);
      double sum = 0;
      for (Eigen::Index s = 0; s < keys.rows(); ++s) {
        const auto query = span.first_query + t;
        const auto key = span.first_key + s;
        if (key > query || (span.window && key <= query - *span.window)) continue;
        double score = 0;
        for (Eigen::Index d = 0; d < head_dim; ++d) {
          score += double{q(t, first + d)} * double{keys(s, first + d)};
        }
        sum += weights[s] = std::exp(score / std::sqrt(static_cast<double>(head_dim)));
      }
      for (Eigen::Index s = 0; s < keys.rows(); ++s) {
        for (Eigen::Index d = 0; d < head_dim; ++d) {
          if (sum > 0) out(t, first + d) += static_cast<float>(weights[s] / sum * values(s, first + d));
        }
      }
    }
  }
  return out;
}

}  // namespace

TEST_CASE("causal attention equals its definition at the edges of tiles, chunks and windows") {
  const Eigen::Index head_dim = 6, heads = 3;
  for (const Eigen::Index rows : {1, 2, 63, 64, 65, 130}) {
    for (const Eigen::Index past : {0, 1, 70}) {
      const Eigen::Index length = past + rows;
      const Matrix q = Matrix::Random(rows, heads * head_dim);
      const Matrix keys = Matrix::Random(length, heads * head_dim);
      const Matrix values = Matrix::Random(length, heads * head_dim);
      for (const std::int64_t window :
           {std::int64_t{0}, std::int64_t{1}, std::int64_t{8}, std::int64_t{length - 1}, std::int64_t{length},
            std::int64_t{length + 1}}) {
        rung::AttentionSpan span{.first_query = past, .first_key = 0, .window = std::nullopt};
        if (window > 0) span.window = window;
        Matrix out = Matrix::Constant(rows, heads * head_dim, NAN);
        rung::causal_attention(q, keys, values, head_dim, span, out);
        const double error = (out - attention_loops(q, keys, values, head_dim, span)).cwiseAbs().maxCoeff();
        INFO("rows " << rows << ", past " << past << ", window " << window);
        CHECK(error < 1e-6);
      }
    }
  }
}

TEST_CASE("keys may begin after position 0, and a query may see none of them") {
  const Matrix q = Matrix::Random(4, 4), keys = Matrix::Random(3, 4), values = Matrix::Random(3, 4);
  const rung::AttentionSpan span{.first_query = 8, .first_key = 9, .window = 2};
  Matrix out(4, 4);
  rung::causal_attention(q, keys, values, 4, span, out);
  CHECK((out.row(0).array() == 0).all());  // position 8 sees 7 and 8: neither is there
  CHECK(out.row(1) == values.row(0));      // position 9 sees 9 alone
  CHECK((out - attention_loops(q, keys, values, 4, span)).cwiseAbs().maxCoeff() < 1e-6F);
}

TEST_CASE("neighbouring query heads share a key head") {
  Matrix grouped(1, 4);  // two heads of two
  grouped << 1, 2, 3, 4;
  Matrix expected(1, 8);
  expected << 1, 2, 1, 2, 3, 4, 3, 4;
  CHECK(rung::repeat_heads(grouped, 4, 2, 2) == expected);
}

#include "chapters/02_tensors/embedding.h"
#include "chapters/02_tensors/linear.h"
#include "chapters/02_tensors/matmul.h"
#include "tests/catch.h"

using rung::Matrix;

namespace {

// Whole numbers: every order of summation gives the same, exactly.
Matrix whole_numbers(Eigen::Index rows, Eigen::Index cols, int salt) {
  Matrix matrix(rows, cols);
  for (Eigen::Index i = 0; i < matrix.size(); ++i) {
    matrix.data()[i] = static_cast<float>((i * 7 + salt * 13) % 11 - 5);
  }
  return matrix;
}

}  // namespace

TEST_CASE("the threaded product equals three loops, at awkward sizes") {
  for (const Eigen::Index t : {1, 2, 7, 33, 63, 64, 65}) {
    for (const Eigen::Index n : {1, 31, 65, 129}) {
      for (const Eigen::Index k : {1, 15, 64, 97}) {
        const Matrix x = whole_numbers(t, k, 1);
        const Matrix w = whole_numbers(n, k, 2);
        Matrix slow(t, n), fast = Matrix::Constant(t, n, NAN);
        rung::matmul_loops(x, w, slow);
        rung::matmul(x, w, fast);
        CHECK(fast == slow);
      }
    }
  }
}

TEST_CASE("the product reads and writes parts of wider matrices") {
  const Matrix x = whole_numbers(70, 40, 3);
  const Matrix w = whole_numbers(9, 16, 4);
  for (const Eigen::Index rows : {1, 5, 70}) {
    Matrix wide = Matrix::Constant(rows, 30, 77);
    Matrix slow(rows, 9);
    rung::matmul_loops(x.block(0, 8, rows, 16), w, slow);
    rung::matmul(x.block(0, 8, rows, 16), w, wide.middleCols(4, 9));
    CHECK(Matrix(wide.middleCols(4, 9)) == slow);
    CHECK((wide.leftCols(4).array() == 77).all());
    CHECK((wide.rightCols(17).array() == 77).all());
  }
}

TEST_CASE("a linear layer and an embedding can share one matrix") {
  const auto table = std::make_shared<const Matrix>(whole_numbers(6, 4, 5));
  const rung::DenseEmbedding embedding(table);
  const rung::DenseLinear output(table);
  CHECK(output.in() == 4);
  CHECK(output.out() == 6);
  CHECK(output.weight_bytes() == 6 * 4 * 4);
  const std::vector<std::int32_t> ids{5, 0, 5};
  Matrix rows(3, 4);
  embedding.rows(ids, rows);
  CHECK(rows.row(0) == table->row(5));
  CHECK(rows.row(1) == table->row(0));
  CHECK(rows.row(2) == table->row(5));
}

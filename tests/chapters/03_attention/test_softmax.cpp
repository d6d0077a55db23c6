#include <cmath>
#include <limits>

#include "chapters/03_attention/softmax.h"
#include "tests/catch.h"

TEST_CASE("softmax of large scores does not overflow") {
  Eigen::RowVectorXf scores(3);
  scores << 1000, 1000, 999;
  rung::softmax(scores);
  const float e = std::exp(-1.0F);
  CHECK(scores(0) == Approx(1 / (2 + e)));
  CHECK(scores(2) == Approx(e / (2 + e)));
}

TEST_CASE("hidden scores weigh nothing, and all hidden gives zeros") {
  const float hidden = -std::numeric_limits<float>::infinity();
  Eigen::RowVectorXf scores(2);
  scores << hidden, 3;
  rung::softmax(scores);
  CHECK(scores(0) == 0);
  CHECK(scores(1) == 1);
  scores << hidden, hidden;
  rung::softmax(scores);
  CHECK(scores(0) == 0);
  CHECK(scores(1) == 0);
}

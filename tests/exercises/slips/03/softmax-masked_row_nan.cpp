// Exercise 3.1 with the maximum subtracted, also where it is -infinity.

#include <cmath>

#include "chapters/03_attention/softmax.h"

namespace rung {

void softmax(Eigen::Ref<Eigen::RowVectorXf> scores) {
  const float largest = scores.maxCoeff();
  float sum = 0;
  for (float& score : scores) {
    score = std::exp(score - largest);
    sum += score;
  }
  scores /= sum;
}

}  // namespace rung

#include "chapters/03_attention/softmax.h"

#include <limits>

namespace rung {

void softmax(Eigen::Ref<Eigen::RowVectorXf> scores) {
  const float largest = scores.maxCoeff();
  if (largest == -std::numeric_limits<float>::infinity()) {
    scores.setZero();
    return;
  }
  scores.array() = (scores.array() - largest).exp();
  scores /= scores.sum();
}

}  // namespace rung

#include "chapters/03_attention/softmax.h"

#include <limits>

namespace rung {

void softmax(Eigen::Ref<Eigen::RowVectorXf> scores) {
  constexpr float masked = -std::numeric_limits<float>::infinity();
  const float largest = scores.maxCoeff();
  if (largest == masked) {
    scores.setZero();
    return;
  }
  // Asked for, because Eigen's exp() of 4 or 8 numbers at a time makes 3e-39 of -infinity, and not 0.
  scores.array() = (scores.array() == masked).select(0, (scores.array() - largest).exp());
  scores /= scores.sum();
}

}  // namespace rung

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
  scores.array() = (scores.array() - largest).exp();
  // Without AVX-512, Eigen's exp() makes 3e-39 of -infinity and not 0: what is below the normal numbers becomes 0.
  // In a pass of its own, because Eigen computes exp() one by one where a condition stands around it.
  scores = (scores.array() < std::numeric_limits<float>::min()).select(0, scores);
  scores /= scores.sum();
}

}  // namespace rung

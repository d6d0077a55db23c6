#pragma once

#include "core/tensor/matrix.h"

namespace rung {

/// Turns scores into weights that sum to 1, in place: w_i = exp(s_i - max s) / sum_j exp(s_j - max s).
/// Subtracting the maximum changes nothing but keeps exp() from overflowing. Scores of -infinity get weight
/// 0; if all are -infinity, all weights are 0.
/// @param scores  [n], n >= 1
void softmax(Eigen::Ref<Eigen::RowVectorXf> scores);

}  // namespace rung

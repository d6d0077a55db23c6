#pragma once

#include "cuda/softmax/softmax.h"

namespace rung {

/// y[r, i] = exp(x[r, i]) / sum over j of exp(x[r, j]) of device memory, each row read at most twice and by coalesced
/// requests. A score of −∞ is masked: its weight is 0, and a row of them gives 0. What lies between the rows of x is no
/// score, and what lies between the rows of y stays as it is.
void softmax_rows(float* y, const float* x, const cuda::SoftmaxShape& shape);

}  // namespace rung

#pragma once

#include "cuda/add/add.h"

namespace rung {

/// y = a + b of device memory, row by row. Neighbouring lanes take neighbouring numbers. What lies between the rows of y is
/// not written, and nothing is read or written behind an array's last number.
void coalesced_add(float* y, const float* a, const float* b, const cuda::AddShape& shape);

}  // namespace rung

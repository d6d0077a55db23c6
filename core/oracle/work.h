#pragma once

#include <cstdint>

#include "core/stage/cost.h"

namespace rung::oracle {

/// What has to be moved and computed.
struct Work {
  double bytes = 0;
  double flops = 0;
};

/// y [T, N] = x [T, K] · Wᵀ, counted number of y by number: K multiplies and K adds each; W, x and y moved once.
/// @param block_elements  numbers in a block of W's type, which takes block_bytes; divides K
Work linear_work(std::int64_t rows, std::int64_t out, std::int64_t in, std::int64_t block_elements,
                 std::int64_t block_bytes);

/// A forward pass of `rows` rows after `past` positions, counted row by row and position by position; what
/// is counted stands in core/stage/cost.h.
Work forward_work(const StageCost& cost, std::int64_t rows, std::int64_t past, std::int64_t wanted);

/// Seconds, when moving and computing go on at the same time.
double least_seconds(const Work& work, double bytes_per_second, double flops_per_second);

}  // namespace rung::oracle

#pragma once

#include <cstdint>
#include <vector>

#include "core/check/function_check.h"

namespace rung::check {

/// A load of one warp from global memory.
struct WarpRequestInput {
  std::vector<std::int64_t> addresses;  ///< in bytes, a lane each, multiples of bytes_per_lane
  int bytes_per_lane = 4;
};
/// Of chapter 13: the sectors that it asks for.
FunctionCheck<WarpRequestInput, std::int64_t> sectors_check();
/// The fewest that could carry what it asks for.
FunctionCheck<WarpRequestInput, std::int64_t> fewest_sectors_check();

}  // namespace rung::check

#pragma once

#include <cstdint>
#include <span>

namespace rung {

/// Sectors that a load of a warp asks for: aligned pieces of 32 bytes of which some lane wants a byte.
/// @param addresses       in bytes, of up to 32 lanes; multiples of `bytes_per_lane`
/// @param bytes_per_lane  1, 2, 4, 8 or 16
int sectors(std::span<const std::int64_t> addresses, int bytes_per_lane);

/// The fewest sectors that could carry these bytes if they lay side by side. What several lanes want is carried once.
/// @param addresses       as for sectors()
/// @param bytes_per_lane  as for sectors()
int fewest_sectors(std::span<const std::int64_t> addresses, int bytes_per_lane);

}  // namespace rung

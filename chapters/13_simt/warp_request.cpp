#include "chapters/13_simt/warp_request.h"

#include <set>

namespace rung {

int sectors(std::span<const std::int64_t> addresses, int bytes_per_lane) {
  std::set<std::int64_t> touched;
  for (const std::int64_t address : addresses) {
    touched.insert(address / 32);
    touched.insert((address + bytes_per_lane - 1) / 32);
  }
  return static_cast<int>(touched.size());
}

int fewest_sectors(std::span<const std::int64_t> addresses, int bytes_per_lane) {
  // Lanes name multiples of their width: two of them want the same bytes, or none in common.
  const std::set<std::int64_t> different(addresses.begin(), addresses.end());
  const int bytes = static_cast<int>(different.size()) * bytes_per_lane;
  return (bytes + 31) / 32;
}

}  // namespace rung

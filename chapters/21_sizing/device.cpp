#include "chapters/21_sizing/device.h"

namespace rung {

Device together(const Device& device, std::int64_t count) {
  const auto times = static_cast<double>(count);
  Device all = device;
  all.memory_bytes *= times;
  all.limits.bytes_per_second *= times;
  all.limits.flops_per_second *= times;
  if (all.dollars_an_hour) *all.dollars_an_hour *= times;
  return all;
}

}  // namespace rung

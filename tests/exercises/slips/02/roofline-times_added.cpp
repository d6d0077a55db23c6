#include <algorithm>

#include "core/measure/roofline.h"

namespace rung::measure {

Work forward_work(const StageCost& cost, std::int64_t rows, std::int64_t past, std::int64_t wanted) {
  const std::int64_t window = cost.window.value_or(past + rows);
  std::int64_t flops = rows * cost.flops_per_row + wanted * cost.flops_per_logits_row;
  for (std::int64_t i = 0; i < rows; ++i) {
    flops += std::min(past + i + 1, window) * cost.flops_per_visible_position;
  }
  const std::int64_t read = std::min(past, window - 1);
  std::int64_t bytes = cost.weight_bytes + (read + rows) * cost.kv_bytes_per_position;
  if (wanted > 0) bytes += cost.output_bytes;
  return {.bytes = static_cast<double>(bytes), .flops = static_cast<double>(flops)};
}

double least_seconds(const Work& work, const Limits& limits) {
  return work.bytes / limits.bytes_per_second + work.flops / limits.flops_per_second;
}

}  // namespace rung::measure

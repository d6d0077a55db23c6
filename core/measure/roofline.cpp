#include "core/measure/roofline.h"

#include <algorithm>

#include "core/error.h"
#include "core/measure/touched_experts.h"

namespace rung::measure {

Work forward_work(const StageCost& cost, std::int64_t rows, std::int64_t past, std::int64_t wanted) {
  if (rows < 1 || past < 0 || wanted < 0 || wanted > rows) {
    throw Error(ErrorKind::usage,
                "forward work: expected rows >= 1, past >= 0, 0 <= wanted <= rows, found {}, {}, {}", rows,
                past, wanted);
  }
  const auto t = static_cast<double>(rows);
  const std::int64_t window = cost.window.value_or(past + rows);
  // Row i sees past + i + 1 positions, but never more than the window: first `growing` rows that see one more
  // than the row before, then rows that see the window. The sum over i = 0 … T - 1.
  const auto growing = static_cast<double>(std::clamp<std::int64_t>(window - past, 0, rows));
  const double visible = growing * static_cast<double>(past) + growing * (growing + 1) / 2 +
                         (t - growing) * static_cast<double>(window);
  const auto read = static_cast<double>(std::min(past, window - 1));  // of the past
  Work work;
  work.bytes =
      static_cast<double>(cost.weight_bytes) + (read + t) * static_cast<double>(cost.kv_bytes_per_position);
  if (cost.experts > 0) {
    const double of_one = static_cast<double>(cost.expert_bytes) / static_cast<double>(cost.experts);
    work.bytes += touched_experts(cost.experts, cost.experts_used, rows) * of_one;
  }
  work.flops = t * static_cast<double>(cost.flops_per_row) +
               visible * static_cast<double>(cost.flops_per_visible_position);
  if (wanted > 0) {
    work.bytes += static_cast<double>(cost.output_bytes);
    work.flops += static_cast<double>(wanted) * static_cast<double>(cost.flops_per_logits_row);
  }
  return work;
}

double least_seconds(const Work& work, const Limits& limits) {
  return std::max(work.bytes / limits.bytes_per_second, work.flops / limits.flops_per_second);
}

}  // namespace rung::measure

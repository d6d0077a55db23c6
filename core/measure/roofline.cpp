#include "core/measure/roofline.h"

#include <algorithm>

#include "core/error.h"

namespace rung::measure {

Work forward_work(const StageCost& cost, std::int64_t rows, std::int64_t past, std::int64_t wanted) {
  if (rows < 1 || past < 0 || wanted < 0 || wanted > rows) {
    throw Error(ErrorKind::usage,
                "forward work: expected rows >= 1, past >= 0, 0 <= wanted <= rows, found {}, {}, {}", rows,
                past, wanted);
  }
  const auto t = static_cast<double>(rows);
  const auto before = static_cast<double>(past);
  // Row i sees past + i + 1 positions: the sum over i = 0 … T - 1.
  const double visible = t * before + t * (t + 1) / 2;
  Work work;
  work.bytes =
      static_cast<double>(cost.weight_bytes) + (before + t) * static_cast<double>(cost.kv_bytes_per_position);
  work.flops = t * static_cast<double>(cost.flops_per_row) +
               visible * static_cast<double>(cost.flops_per_visible_position);
  if (wanted > 0) {
    work.bytes += static_cast<double>(cost.output_bytes);
    work.flops += static_cast<double>(wanted) * static_cast<double>(cost.flops_per_logits_row);
  }
  return work;
}

double least_seconds(const Work& work, const Limits& limits) {
  return std::max(work.bytes / limits.read_bandwidth, work.flops / limits.fma_peak);
}

Reached reached(const Work& work, double seconds, const Limits& limits) {
  return {.bytes_per_second = work.bytes / seconds,
          .flops_per_second = work.flops / seconds,
          .share = least_seconds(work, limits) / seconds,
          .memory_bound = work.bytes / limits.read_bandwidth >= work.flops / limits.fma_peak};
}

}  // namespace rung::measure

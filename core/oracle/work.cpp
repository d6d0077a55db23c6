#include "core/oracle/work.h"

#include <algorithm>
#include <vector>

namespace rung::oracle {

Work linear_work(std::int64_t rows, std::int64_t out, std::int64_t in, std::int64_t block_elements,
                 std::int64_t block_bytes) {
  Work work;
  const std::int64_t row_bytes = in / block_elements * block_bytes;
  for (std::int64_t n = 0; n < out; ++n) work.bytes += static_cast<double>(row_bytes);  // of W
  for (std::int64_t t = 0; t < rows; ++t) {
    work.bytes += static_cast<double>(4 * in);  // a row of x
    for (std::int64_t n = 0; n < out; ++n) {
      work.bytes += 4;                            // a number of y
      work.flops += static_cast<double>(2 * in);  // its K products and K additions
    }
  }
  return work;
}

Work forward_work(const StageCost& cost, std::int64_t rows, std::int64_t past, std::int64_t wanted) {
  Work work;
  work.bytes += static_cast<double>(cost.weight_bytes);
  // Each row misses an expert with probability 1 − k/E, so that so much of all of them is still untouched after each.
  double untouched = static_cast<double>(cost.expert_bytes);
  for (std::int64_t row = 0; cost.experts > 0 && row < rows; ++row)
    untouched -= untouched * static_cast<double>(cost.experts_used) / static_cast<double>(cost.experts);
  work.bytes += static_cast<double>(cost.expert_bytes) - untouched;
  if (wanted > 0) work.bytes += static_cast<double>(cost.output_bytes);
  std::vector<bool> touched(static_cast<std::size_t>(past + rows));  // keys and values, read or written
  for (std::int64_t row = past; row < past + rows; ++row) {
    work.flops += static_cast<double>(cost.flops_per_row);
    if (row >= past + rows - wanted) work.flops += static_cast<double>(cost.flops_per_logits_row);
    const std::int64_t oldest = cost.window ? std::max<std::int64_t>(0, row - *cost.window + 1) : 0;
    for (std::int64_t position = oldest; position <= row; ++position) {
      work.flops += static_cast<double>(cost.flops_per_visible_position);
      touched[static_cast<std::size_t>(position)] = true;
    }
  }
  for (const bool one : touched) {
    if (one) work.bytes += static_cast<double>(cost.kv_bytes_per_position);
  }
  return work;
}

double least_seconds(const Work& work, double bytes_per_second, double flops_per_second) {
  const double moving = work.bytes / bytes_per_second;
  const double computing = work.flops / flops_per_second;
  return moving > computing ? moving : computing;
}

}  // namespace rung::oracle

#include "core/oracle/work.h"

#include <vector>

namespace rung::oracle {

Work linear_work(std::int64_t rows, std::int64_t out, std::int64_t in, std::int64_t block_elements,
                 std::int64_t block_bytes) {
  Work work;
  for (std::int64_t n = 0; n < out; ++n) {
    for (std::int64_t block = 0; block < in / block_elements; ++block) {
      work.bytes += static_cast<double>(block_bytes);
    }
  }
  for (std::int64_t t = 0; t < rows; ++t) {
    for (std::int64_t k = 0; k < in; ++k) work.bytes += 4;  // of x
    for (std::int64_t n = 0; n < out; ++n) {
      work.bytes += 4;  // of y
      for (std::int64_t k = 0; k < in; ++k) work.flops += 2;
    }
  }
  return work;
}

Work forward_work(const StageCost& cost, std::int64_t rows, std::int64_t past, std::int64_t wanted) {
  Work work;
  work.bytes += static_cast<double>(cost.weight_bytes);
  if (wanted > 0) work.bytes += static_cast<double>(cost.output_bytes);
  std::vector<bool> touched(static_cast<std::size_t>(past + rows));  // keys and values, read or written
  for (std::int64_t row = past; row < past + rows; ++row) {
    work.flops += static_cast<double>(cost.flops_per_row);
    if (row >= past + rows - wanted) work.flops += static_cast<double>(cost.flops_per_logits_row);
    for (std::int64_t position = 0; position <= row; ++position) {
      if (cost.window && position <= row - *cost.window) continue;
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

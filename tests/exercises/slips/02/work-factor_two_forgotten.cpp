#include "chapters/02_tensors/work.h"

namespace rung {

measure::Work linear_work(std::int64_t rows, std::int64_t out, std::int64_t in, DType weight) {
  const DTypeInfo& type = info(weight);
  const auto flops = rows * out * in;
  const auto bytes = out * in / type.block_elements * type.block_bytes + 4 * rows * (in + out);
  return {.bytes = static_cast<double>(bytes), .flops = static_cast<double>(flops)};
}

}  // namespace rung

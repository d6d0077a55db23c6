#include "chapters/02_tensors/work.h"

#include "core/error.h"

namespace rung {

measure::Work linear_work(std::int64_t rows, std::int64_t out, std::int64_t in, DType weight) {
  const DTypeInfo& type = info(weight);
  if (rows < 1 || out < 1 || in < 1 || in % type.block_elements != 0) {
    throw Error(ErrorKind::usage,
                "linear work: expected extents of at least 1 and rows of whole blocks of {}, found T = {}, "
                "N = {}, K = {}",
                type.block_elements, rows, out, in);
  }
  // In double from here on, which no product of three extents overflows.
  const auto t = static_cast<double>(rows);
  const auto n = static_cast<double>(out);
  const auto k = static_cast<double>(in);
  const double weight_bytes =
      n * k / static_cast<double>(type.block_elements) * static_cast<double>(type.block_bytes);
  const double activation_bytes = (t * k + t * n) * double{sizeof(float)};
  return {.bytes = weight_bytes + activation_bytes, .flops = 2 * t * n * k};
}

}  // namespace rung

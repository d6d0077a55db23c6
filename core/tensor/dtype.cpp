#include "core/tensor/dtype.h"

#include <array>

namespace rung {

const DTypeInfo& info(DType dtype) {
  static constexpr std::array<DTypeInfo, 11> table{{
      {"F32", 1, 4},
      {"F16", 1, 2},
      {"BF16", 1, 2},
      {"Q8_0", 32, 2 + 32},              // scale, 32 × int8
      {"Q4_0", 32, 2 + 16},              // scale, 32 × 4 bit
      {"Q4_1", 32, 2 + 2 + 16},          // scale, minimum, 32 × 4 bit
      {"Q5_0", 32, 2 + 4 + 16},          // scale, 32 fifth bits, 32 × 4 bit
      {"Q5_1", 32, 2 + 2 + 4 + 16},      // scale, minimum, 32 fifth bits, 32 × 4 bit
      {"Q4_K", 256, 4 + 12 + 128},       // two super-scales, 8 × (6-bit scale, 6-bit minimum), 256 × 4 bit
      {"Q5_K", 256, 4 + 12 + 32 + 128},  // as Q4_K, and 256 fifth bits
      {"Q6_K", 256, 128 + 64 + 16 + 2},  // 256 × (4 + 2) bit, 16 int8 scales, super-scale
  }};
  return table[static_cast<std::size_t>(dtype)];
}

}  // namespace rung

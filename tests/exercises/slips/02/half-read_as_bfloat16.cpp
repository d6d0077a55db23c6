#include "core/tensor/half.h"

namespace rung {

float half_to_float(std::uint16_t bits) {
  return std::bit_cast<float>(std::uint32_t{bits} << 16);
}

}  // namespace rung

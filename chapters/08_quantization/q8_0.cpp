#include "chapters/08_quantization/q8_0.h"

#include "chapters/08_quantization/block_fields.h"

namespace rung {

// [quantize_q8_0]
void quantize_q8_0(std::span<const float, 32> numbers, std::span<std::byte, 34> block) {
  float largest = 0;
  for (const float x : numbers) largest = std::max(largest, std::abs(x));
  const float scale = largest / 127;  // the largest number gets 127 or -127
  const float inverse = inverse_scale(scale);
  put_half(block.data(), scale);
  for (std::size_t i = 0; i < numbers.size(); ++i) {
    const float steps = numbers[i] * inverse;
    const int q = std::isfinite(steps) ? static_cast<int>(std::round(steps)) : 0;
    block[2 + i] = static_cast<std::byte>(q);
  }
}
// [quantize_q8_0]

}  // namespace rung

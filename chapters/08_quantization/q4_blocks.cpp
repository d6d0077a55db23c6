#include "chapters/08_quantization/q4_blocks.h"

#include "chapters/08_quantization/block_fields.h"

namespace rung {

// [quantize_q4_0]
void quantize_q4_0(std::span<const float, 32> numbers, std::span<std::byte, 18> block) {
  float largest = numbers[0];  // by magnitude, with its sign
  for (const float x : numbers) {
    if (std::abs(x) > std::abs(largest)) largest = x;
  }
  const float scale = largest / -8;
  const float inverse = inverse_scale(scale);
  put_half(block.data(), scale);
  const auto level = [inverse](float x) {
    const float steps = x * inverse;      // -8 to 8
    return whole_part(steps + 8.5F, 15);  // cut off behind a half more: rounded
  };
  for (std::size_t i = 0; i < 16; ++i) {
    block[2 + i] = static_cast<std::byte>(level(numbers[i]) | (level(numbers[i + 16]) << 4));
  }
}
// [quantize_q4_0]

// [quantize_q4_1]
void quantize_q4_1(std::span<const float, 32> numbers, std::span<std::byte, 20> block) {
  const auto [least, most] = std::minmax_element(numbers.begin(), numbers.end());
  const float minimum = *least;
  const float scale = (*most - minimum) / 15;  // 15 steps between 16 levels
  const float inverse = inverse_scale(scale);
  put_half(block.data(), scale);
  put_half(block.data() + 2, minimum);
  const auto level = [inverse, minimum](float x) {
    const float steps = (x - minimum) * inverse;  // 0 to 15
    return whole_part(steps + 0.5F, 15);
  };
  for (std::size_t i = 0; i < 16; ++i) {
    block[4 + i] = static_cast<std::byte>(level(numbers[i]) | (level(numbers[i + 16]) << 4));
  }
}
// [quantize_q4_1]

}  // namespace rung

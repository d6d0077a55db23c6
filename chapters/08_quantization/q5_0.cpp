#include "chapters/08_quantization/q5_0.h"

#include <array>

#include "chapters/08_quantization/block_fields.h"

namespace rung {

void quantize_q5_0(std::span<const float, 32> numbers, std::span<std::byte, 22> block) {
  float largest = numbers[0];  // by magnitude, with its sign: it gets -16
  for (const float x : numbers) {
    if (std::abs(x) > std::abs(largest)) largest = x;
  }
  const float scale = largest / -16;
  const float inverse = inverse_scale(scale);
  put_half(block.data(), scale);
  std::array<int, 32> levels{};
  std::uint32_t fifth_bits = 0;
  for (std::size_t i = 0; i < 32; ++i) {
    const float steps = numbers[i] * inverse;  // -16 to 16
    levels[i] = whole_part(steps + 16.5F, 31);
    fifth_bits |= static_cast<std::uint32_t>(levels[i] >> 4) << i;
  }
  for (std::size_t i = 0; i < 4; ++i) block[2 + i] = static_cast<std::byte>(fifth_bits >> (8 * i));
  for (std::size_t i = 0; i < 16; ++i) {
    block[6 + i] = static_cast<std::byte>((levels[i] & 15) | ((levels[i + 16] & 15) << 4));
  }
}

}  // namespace rung

#pragma once

#include <cstddef>
#include <span>

namespace rung {

/// Q8_0, symmetric: 32 numbers as one fp16 scale and 32 int8, x ≈ scale · q with q from -127 to 127, byte for byte
/// what the `gguf` Python package writes. An element is off by at most scale / 2, and a little by the scale's own
/// rounding.
/// @param numbers  finite
/// @param block    scale (2 bytes), q_0 … q_31
void quantize_q8_0(std::span<const float, 32> numbers, std::span<std::byte, 34> block);

}  // namespace rung

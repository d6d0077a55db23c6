#pragma once

#include <cstddef>
#include <span>

namespace rung {

/// Q4_1, asymmetric: 32 numbers as an fp16 scale, an fp16 minimum and 32 numbers of 4 bits, x ≈ scale · q + minimum
/// with q from 0 to 15, byte for byte what the `gguf` Python package writes.
/// @param numbers  finite
/// @param block    scale, minimum (2 bytes each); then byte i has q_i in its low half and q_(i + 16) in its high half
void quantize_q4_1(std::span<const float, 32> numbers, std::span<std::byte, 20> block);

}  // namespace rung

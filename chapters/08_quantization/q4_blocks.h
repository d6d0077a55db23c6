#pragma once

#include <cstddef>
#include <span>

namespace rung {

// The two formats of 4 bits, for blocks of 32 numbers.

/// Q4_0, symmetric: 32 numbers as one fp16 scale and 32 numbers of 4 bits, x ≈ scale · (q - 8) with q from 0 to 15,
/// byte for byte what the `gguf` Python package writes. q - 8 reaches from -8 to 7, so the scale has the sign that
/// gives the number of the largest magnitude the -8.
/// @param numbers  finite
/// @param block    scale (2 bytes); then byte i has q_i in its low half and q_(i + 16) in its high half
void quantize_q4_0(std::span<const float, 32> numbers, std::span<std::byte, 18> block);

/// Q4_1, asymmetric: 32 numbers as an fp16 scale, an fp16 minimum and 32 numbers of 4 bits, x ≈ scale · q + minimum
/// with q from 0 to 15, byte for byte what the `gguf` Python package writes.
/// @param numbers  finite
/// @param block    scale, minimum (2 bytes each); then byte i has q_i in its low half and q_(i + 16) in its high half
void quantize_q4_1(std::span<const float, 32> numbers, std::span<std::byte, 20> block);

}  // namespace rung

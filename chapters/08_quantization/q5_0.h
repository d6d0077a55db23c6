#pragma once

#include <cstddef>
#include <span>

namespace rung {

/// Q5_0: Q4_0 with a fifth bit, x ≈ scale · (q - 16) with q from 0 to 31, byte for byte what the `gguf` Python package
/// writes.
/// @param numbers  finite
/// @param block    scale (2 bytes); the fifth bits, bit i of 32 for q_i (4 bytes); then byte i has the low four bits of
///                 q_i in its low half and those of q_(i + 16) in its high half
void quantize_q5_0(std::span<const float, 32> numbers, std::span<std::byte, 22> block);

}  // namespace rung

#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

namespace rung {

// The product of quantised weights with quantised activations, a block of 32 at a time, in plain loops: what the stages
// int8 and int4 do for every type, and as fast as they can.

// [activations]
/// 32 activations as int8 with one scale: x ≈ scale · p, p from -127 to 127.
struct ActivationBlock {
  float scale = 0;       ///< the largest magnitude over 127
  std::int32_t sum = 0;  ///< Σ p, for weights that have a minimum
  std::array<std::int8_t, 32> levels{};
};
// [activations]

/// Rounds 32 activations to nearest. All 0 for zeros, and for numbers so small that their scale is 0 in fp32.
/// @param numbers  finite
ActivationBlock quantize_activations(std::span<const float, 32> numbers);

/// The product of a row of weights in Q4_0 with as many activations: Σ over blocks of s · t · Σ (q - 8) · p, where s is
/// the weights' scale and t the activations'. The inner sum is of whole numbers.
/// @param row  18 bytes for each of x (q4_blocks.h says which), scales finite
/// @throws Error (usage) when the two are not of as many blocks
float dot_q4_0(std::span<const std::byte> row, std::span<const ActivationBlock> x);

/// The same for Q4_1, whose weights are s · q + m: Σ over blocks of s · t · Σ q · p + m · t · Σ p.
/// @param row  20 bytes for each of x
/// @throws Error (usage) when the two are not of as many blocks
float dot_q4_1(std::span<const std::byte> row, std::span<const ActivationBlock> x);

}  // namespace rung

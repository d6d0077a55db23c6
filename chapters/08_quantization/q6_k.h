#pragma once

#include <cstddef>
#include <span>

namespace rung {

/// Q6_K, symmetric, scales of scales: 256 numbers in 16 groups of 16, x ≈ d · s_g · (q - 32) with q from 0 to 63, s_g an
/// int8, d fp16. 6.5625 bits per number. The groups' scales are searched for (search_scale) with weights x², as in
/// ggml's quantize_row_q6_K_ref.
/// @param numbers  finite
/// @param block    as core/tensor/decode.cpp reads it
void quantize_q6_k(std::span<const float, 256> numbers, std::span<std::byte, 210> block);

}  // namespace rung

#pragma once

#include <cstddef>
#include <span>

namespace rung {

/// Q4_K, asymmetric, scales of scales: 256 numbers in 8 groups of 32, x ≈ d · s_g · q - e · m_g with q from 0 to 15, s_g
/// and m_g of 6 bits, d and e fp16. 4.5 bits per number. The groups' scales and minima are searched for
/// (search_scale_and_minimum), errors of large numbers counting more, as in ggml's quantize_row_q4_K_ref.
/// @param numbers  finite
/// @param block    as core/tensor/decode.cpp reads it
void quantize_q4_k(std::span<const float, 256> numbers, std::span<std::byte, 144> block);

}  // namespace rung

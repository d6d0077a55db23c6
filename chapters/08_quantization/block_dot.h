#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "chapters/08_quantization/quantized_activations.h"
#include "core/tensor/dtype.h"

namespace rung {

/// The product of one row of weights, as its blocks, with `count` rows of activations, as theirs: whole numbers are
/// multiplied and added up in each group of 32, and only the groups' sums are scaled and added in fp32.
///
///     Σ (s q + m) · (t a)  =  s t · Σ q a  +  m · (t Σ a)        in every group
///
/// s and m are the weights' scale and minimum, t is the activations' scale, and the last product is of numbers that
/// QuantizedActivations has already.
/// @param blocks  a row of a block type: x.groups() · 32 numbers
/// @param first   of the rows of x
/// @param out     [count]
using BlockDot = void (*)(const std::byte* blocks, const QuantizedActivations& x, std::int64_t first,
                          std::int64_t count, float* out);

/// The function for a type.
/// @throws Error (bad_input) for a type that has no blocks
BlockDot block_dot(DType type);

/// Decodes a row of blocks to fp32, as decode() does, 16 numbers at a time.
/// @param out  groups · 32 numbers
using DecodeGroups = void (*)(const std::byte* blocks, std::int64_t groups, float* out);

/// The function for a type.
/// @throws Error (bad_input) for a type that has no blocks
DecodeGroups decode_groups(DType type);

}  // namespace rung

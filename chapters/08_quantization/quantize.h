#pragma once

#include <cstddef>
#include <span>

#include "core/tensor/dtype.h"

namespace rung {

/// Whether quantize() writes that type. It writes all that decode() reads but Q5_1 and Q5_K.
bool can_quantize(DType dtype);

/// Encodes numbers as whole blocks, what decode() (core/tensor/decode.h) undoes as well as can be. F16 and BF16 are
/// rounded to nearest, ties to even; F32 is copied.
/// @param numbers  n finite numbers, n a multiple of the dtype's block_elements
/// @param stored   n / block_elements · block_bytes bytes
/// @throws Error (bad_input) when the two sizes do not fit each other, or the type is one that is not written
void quantize(DType dtype, std::span<const float> numbers, std::span<std::byte> stored);

}  // namespace rung

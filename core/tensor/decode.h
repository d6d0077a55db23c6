#pragma once

#include <cstddef>
#include <span>

#include "core/tensor/dtype.h"

namespace rung {

/// Decodes whole blocks to fp32, exactly as the `gguf` Python package does.
/// @param stored  n / block_elements · block_bytes bytes
/// @param out     n numbers, n a multiple of the dtype's block_elements
/// @throws Error (bad_input) when the two sizes do not fit each other
void decode(DType dtype, std::span<const std::byte> stored, std::span<float> out);

}  // namespace rung

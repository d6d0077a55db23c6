#pragma once

#include <array>
#include <cstddef>
#include <vector>

#include "core/tensor/dtype.h"
#include "tests/corruption/damage.h"
#include "tests/support/checkpoint_files.h"

namespace rung::support {

/// All types with blocks.
inline constexpr std::array block_types = {DType::Q8_0, DType::Q4_0, DType::Q4_1, DType::Q5_0,
                                           DType::Q5_1, DType::Q4_K, DType::Q5_K, DType::Q6_K};

/// Where in a block its fp16 numbers are: a scale, and of some types a minimum.
std::vector<std::size_t> fp16_fields(DType type);

/// A model whose rows every block divides, with its matrices as `type`.
GgufFile quantised_gguf(DType type, Dice& dice);

}  // namespace rung::support

#pragma once

#include <cstdint>
#include <vector>

#include "core/check/function_check.h"
#include "core/tensor/dtype.h"

namespace rung::check {

/// Numbers to be written as blocks of Q8_0, Q4_0 or Q4_1; the bytes come back.
struct BlockQuantizationInput {
  DType type = DType::Q8_0;
  std::vector<float> numbers;  ///< whole blocks of 32
};
/// Chapter 08's simple quantisers.
FunctionCheck<BlockQuantizationInput, std::vector<std::uint8_t>> block_quantization_check();

}  // namespace rung::check

#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "core/check/function_check.h"
#include "core/tensor/dtype.h"

namespace rung::check {

/// A row of weights as blocks, and a row of activations in groups of 32 with a scale each.
struct BlockDotInput {
  DType type = DType::Q4_1;
  std::vector<std::uint8_t> blocks;
  std::vector<std::int8_t> activations;  ///< from -127 to 127, as many as the blocks hold weights
  std::vector<float> scales;             ///< of each 32 activations
};
/// Σ weight · scale · activation.
struct BlockDotResult {
  double value = 0;
  double bound =
      0;  ///< how far another order of sums in fp32 may be off; the oracle's and the mistakes' alone
  bool operator==(const BlockDotResult&) const = default;
};
/// Chapter 08's product of a row of blocks with activations as int8, for every block type.
FunctionCheck<BlockDotInput, BlockDotResult> block_dot_check();

/// Whole blocks of a type.
struct BlockDecodingInput {
  DType type = DType::Q4_1;
  std::vector<std::uint8_t> blocks;
};
/// What blocks stand for: each number exactly.
FunctionCheck<BlockDecodingInput, std::vector<float>> block_decoding_check();

/// 32 activations as int8 with a scale: the scale, then the 32 whole numbers.
FunctionCheck<std::array<float, 32>, std::vector<float>> activation_quantization_check();

}  // namespace rung::check

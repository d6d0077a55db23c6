#pragma once

#include <cstddef>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "core/tensor/dtype.h"

namespace rung::check {

/// A wrong way of reading a block type that people really write.
struct BlockMistake {
  std::string name;
  std::string sentence;      ///< what was done, and what is right
  std::vector<DType> types;  ///< for which it makes a difference
  /// Decodes whole blocks wrongly, as many as decode() would.
  std::function<void(DType type, std::span<const std::byte> row, std::span<float> out)> reread;
};

/// The catalogue: products of blocks, decoders and whole models are compared with it.
const std::vector<BlockMistake>& block_mistakes();

}  // namespace rung::check

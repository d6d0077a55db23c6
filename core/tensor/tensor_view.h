#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "core/tensor/dtype.h"
#include "core/tensor/shape.h"

namespace rung {

/// Bytes that somebody else owns (usually a memory-mapped file), and what they mean. Row-major; rows are
/// whole numbers of blocks. Whoever makes a view has checked that `bytes` holds exactly what dtype and shape
/// need.
struct TensorView {
  DType dtype = DType::F32;
  Shape shape;
  std::span<const std::byte> bytes;

  /// Length of the fastest dimension; 1 for a scalar.
  std::int64_t row_elements() const { return shape.empty() ? 1 : shape.back(); }
  /// Product of the other dimensions.
  std::int64_t rows() const { return row_elements() == 0 ? 0 : elements(shape) / row_elements(); }
  /// Stored bytes of one row.
  std::int64_t row_bytes() const {
    return row_elements() / info(dtype).block_elements * info(dtype).block_bytes;
  }
  /// The stored bytes of row `r`, 0 <= r < rows().
  std::span<const std::byte> row(std::int64_t r) const {
    return bytes.subspan(static_cast<std::size_t>(r * row_bytes()), static_cast<std::size_t>(row_bytes()));
  }
};

}  // namespace rung

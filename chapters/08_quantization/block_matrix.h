#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "core/checkpoint/checkpoint.h"
#include "core/tensor/dtype.h"
#include "core/tensor/matrix.h"

namespace rung {

/// How a stage of this chapter holds its matrices.
enum class IntegerWeights { int8, int4 };

/// What a stage holds a matrix as that a checkpoint stores as `stored`; the whole rule:
///
/// | stored as                                      | int8 | int4            |
/// |------------------------------------------------|------|-----------------|
/// | F32, F16, BF16                                 | Q8_0 | Q4_1            |
/// | Q4_0, Q4_1, Q5_0, Q5_1, Q8_0, Q4_K, Q5_K, Q6_K | Q8_0 | as it is stored |
///
/// A matrix that has the type already stays in the mapped file. Another is read row by row when the stage is made, and
/// its blocks are kept in memory. `int4` does not make worse what somebody has quantised: files of 4 bits hold some of
/// their matrices in more, as SmolLM2's its embedding in Q8_0. For weights that are not quantised it takes Q4_1, not
/// Q4_0: half a bit more per weight, for which `tiny` is nearer to itself as it was: 0.026 nats of KL divergence a token
/// instead of 0.031 on its held-out text (`./rung perplexity Q4_1.gguf FILE --against tiny`).
DType type_in_stage(IntegerWeights weights, DType stored);

/// Bytes that a row of `columns` numbers takes as blocks, the last of them filled up.
std::int64_t block_row_bytes(DType type, std::int64_t columns);

/// A matrix of weights [rows, columns] as blocks: a view of a mapped file, or blocks made from it.
class BlockMatrix {
 public:
  /// @param tensor  must stay mapped as long as this lives where its blocks are used as they are
  /// @param type    a block type. A row that is no whole number of blocks is filled up with its last number; what meets
  ///                these numbers is 0.
  /// @throws Error (bad_input) naming file and tensor where a weight is not finite or too large for the type
  BlockMatrix(const Tensor& tensor, DType type);

  DType type() const { return type_; }                       ///< of the blocks
  std::int64_t rows() const { return rows_; }                ///< in half-split order where RoPE concerns them
  std::int64_t columns() const { return columns_; }          ///< without what rows are filled up with
  std::int64_t bytes() const { return rows_ * row_bytes_; }  ///< of all blocks
  /// Blocks made in memory: bytes(), or 0 for a view of the file.
  std::int64_t bytes_made() const { return std::ssize(made_); }

  /// The blocks of row `r`.
  std::span<const std::byte> row(std::int64_t r) const {
    const std::int64_t stored = order_.empty() ? r : order_[static_cast<std::size_t>(r)];
    return {start_ + stored * row_bytes_, static_cast<std::size_t>(row_bytes_)};
  }

 private:
  void take(const Tensor& tensor);
  void make(const Tensor& tensor);

  DType type_;
  std::int64_t rows_, columns_, row_bytes_;
  const std::byte* start_ = nullptr;
  std::vector<std::byte> made_;
  std::vector<std::int32_t> order_;  ///< where row r is; empty: at r
};

/// The matrix as fp32, [rows, columns]: for checks, which compute with what a stage has.
Matrix dequantized(const BlockMatrix& matrix);

}  // namespace rung

#pragma once

#include <cstdint>
#include <memory>
#include <span>

#include "core/tensor/matrix.h"

namespace rung {

/// A part of the transformer: the row of a table for each token.
class Embedding {
 public:
  virtual ~Embedding() = default;
  /// V, the number of rows.
  virtual std::int64_t vocab() const = 0;
  /// Numbers in a row.
  virtual std::int64_t hidden() const = 0;
  virtual std::int64_t weight_bytes() const = 0;  ///< memory that the table takes
  /// @param ids  T tokens, each in [0, vocab)
  /// @param out  [T, hidden], overwritten
  virtual void rows(std::span<const std::int32_t> ids, MatrixView out) const = 0;
};

/// The table as fp32.
class DenseEmbedding : public Embedding {
 public:
  /// @param table  [vocab, hidden]
  explicit DenseEmbedding(std::shared_ptr<const Matrix> table) : table_(std::move(table)) {}
  std::int64_t vocab() const override { return table_->rows(); }
  std::int64_t hidden() const override { return table_->cols(); }
  std::int64_t weight_bytes() const override { return table_->size() * std::int64_t{sizeof(float)}; }
  void rows(std::span<const std::int32_t> ids, MatrixView out) const override;

 private:
  std::shared_ptr<const Matrix> table_;
};

}  // namespace rung

#pragma once

#include <memory>

#include "chapters/02_tensors/embedding.h"
#include "chapters/08_quantization/block_matrix.h"

namespace rung {

/// The table as blocks: a row is decoded when a token asks for it.
class BlockEmbedding : public Embedding {
 public:
  /// @param table  [vocab, hidden]
  explicit BlockEmbedding(std::shared_ptr<const BlockMatrix> table) : table_(std::move(table)) {}
  std::int64_t vocab() const override { return table_->rows(); }
  std::int64_t hidden() const override { return table_->columns(); }
  std::int64_t weight_bytes() const override { return table_->bytes(); }
  void rows(std::span<const std::int32_t> ids, MatrixView out) const override;

 private:
  std::shared_ptr<const BlockMatrix> table_;
};

}  // namespace rung

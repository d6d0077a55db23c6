#include "chapters/08_quantization/block_embedding.h"

#include <algorithm>
#include <vector>

#include "core/tensor/decode.h"

namespace rung {

void BlockEmbedding::rows(std::span<const std::int32_t> ids, MatrixView out) const {
  const DTypeInfo& block = info(table_->type());
  std::vector<float> numbers;  // a row's, and what it is filled up with
  for (std::size_t t = 0; t < ids.size(); ++t) {
    const auto blocks = table_->row(ids[t]);
    numbers.resize(blocks.size() / static_cast<std::size_t>(block.block_bytes) *
                   static_cast<std::size_t>(block.block_elements));
    decode(table_->type(), blocks, numbers);
    std::copy_n(numbers.begin(), table_->columns(), out.row(static_cast<Eigen::Index>(t)).data());
  }
}

}  // namespace rung

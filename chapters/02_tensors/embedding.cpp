#include "chapters/02_tensors/embedding.h"

namespace rung {

void DenseEmbedding::rows(std::span<const std::int32_t> ids, MatrixView out) const {
  for (std::size_t t = 0; t < ids.size(); ++t) out.row(static_cast<Eigen::Index>(t)) = table_->row(ids[t]);
}

}  // namespace rung

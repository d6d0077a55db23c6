#include "chapters/08_quantization/integer_stages.h"

#include <utility>

#include "chapters/07_grouped_query/grouped_stage.h"
#include "chapters/08_quantization/block_embedding.h"
#include "chapters/08_quantization/block_linear.h"

namespace rung {

// [parts]
Parts block_parts(const Checkpoint& checkpoint, IntegerWeights weights, const MakeFeedForward& feed_forward) {
  std::int64_t bytes_made = 0;
  const auto blocks_of = [&](const Tensor& tensor) {
    const auto matrix =
        std::make_shared<const BlockMatrix>(tensor, type_in_stage(weights, tensor.view.dtype));
    bytes_made += matrix->bytes_made();
    // Of what has been made anew, the stored form is not needed any more.
    if (matrix->bytes_made() > 0) checkpoint.release_pages(tensor);
    return matrix;
  };
  std::shared_ptr<const BlockMatrix> table;
  MatrixParts blocks;
  blocks.embedding = [&](const Tensor& tensor) {
    table = blocks_of(tensor);
    return std::make_unique<BlockEmbedding>(table);
  };
  blocks.linear = [&](const Tensor& tensor) {
    return std::make_unique<BlockLinear>(tensor.name == "embedding.weight" ? table : blocks_of(tensor));
  };
  Parts parts = parts_of(checkpoint, blocks, feed_forward);
  // Pages that tensors share go with the whole file; what is used as it is stored comes back when it is read.
  if (bytes_made > 0) checkpoint.release_pages();
  return parts;
}
// [parts]

namespace {

std::unique_ptr<Stage> make(const Checkpoint& checkpoint, const StageOptions& options,
                            IntegerWeights weights) {
  // Before the weights are read, so that a wrong size is refused at once.
  const StageOptions room = with_defaults(options, checkpoint.config(), all_kv_types);
  return grouped_stage_of(checkpoint.config(), block_parts(checkpoint, weights), room);
}

OtherWeights weights_of(const Tensor& tensor, IntegerWeights weights) {
  const DType type = type_in_stage(weights, tensor.view.dtype);
  if (type == tensor.view.dtype) return {};
  const BlockMatrix matrix(tensor, type);
  OtherWeights other;
  if (matrix.columns() % info(type).block_elements == 0) {
    other.dtype = type;
    other.bytes.reserve(static_cast<std::size_t>(matrix.bytes()));
    for (std::int64_t r = 0; r < matrix.rows(); ++r)
      other.bytes.insert(other.bytes.end(), matrix.row(r).begin(), matrix.row(r).end());
  } else {
    const Matrix numbers = dequantized(matrix);
    const auto bytes = std::as_bytes(std::span(numbers.data(), static_cast<std::size_t>(numbers.size())));
    other.bytes.assign(bytes.begin(), bytes.end());
  }
  return other;
}

}  // namespace

OtherWeights int8_weights(const Tensor& tensor) {
  return weights_of(tensor, IntegerWeights::int8);
}

OtherWeights int4_weights(const Tensor& tensor) {
  return weights_of(tensor, IntegerWeights::int4);
}

std::unique_ptr<Stage> make_int8(const Checkpoint& checkpoint, const StageOptions& options) {
  return make(checkpoint, options, IntegerWeights::int8);
}

std::unique_ptr<Stage> make_int4(const Checkpoint& checkpoint, const StageOptions& options) {
  return make(checkpoint, options, IntegerWeights::int4);
}

}  // namespace rung

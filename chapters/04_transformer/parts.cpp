#include "chapters/04_transformer/parts.h"

#include <fmt/format.h>

#include "chapters/03_attention/repeated_heads.h"
#include "chapters/04_transformer/swiglu.h"
#include "core/error.h"

namespace rung {

namespace {

Vector load_vector(const Checkpoint& checkpoint, const std::string& name) {
  return load_f32(checkpoint.tensor(name)).row(0).transpose();
}

std::unique_ptr<FeedForward> swiglu_of(const Checkpoint& checkpoint, std::int64_t layer,
                                       const MatrixParts& matrices) {
  const auto load = [&](const char* name) {
    return matrices.linear(checkpoint.tensor(fmt::format("layers.{}.feed_forward.{}.weight", layer, name)));
  };
  auto gate = load("gate"), up = load("up"), down = load("down");
  return std::make_unique<SwiGlu>(std::move(gate), std::move(up), std::move(down));
}

}  // namespace

Parts parts_of(const Checkpoint& checkpoint, const MatrixParts& matrices,
               const MakeFeedForward& feed_forward) {
  const ModelConfig& config = checkpoint.config();
  const auto load_linear = [&](const std::string& name) { return matrices.linear(checkpoint.tensor(name)); };
  if (config.mixture && !feed_forward) {
    throw Error(ErrorKind::unsupported,
                "{}: has {} experts in every layer, and this stage runs no mixture of experts",
                checkpoint.path().string(), config.mixture->experts);
  }
  Parts parts;
  parts.embedding = matrices.embedding(checkpoint.tensor("embedding.weight"));
  for (std::int64_t layer = 0; layer < config.layers; ++layer) {
    const std::string attention = fmt::format("layers.{}.attention", layer);
    Block block;
    block.attention_norm = load_vector(checkpoint, attention + ".norm.weight");
    block.q = load_linear(attention + ".q.weight");
    block.k = load_linear(attention + ".k.weight");
    block.v = load_linear(attention + ".v.weight");
    block.o = load_linear(attention + ".o.weight");
    block.feed_forward_norm =
        load_vector(checkpoint, fmt::format("layers.{}.feed_forward.norm.weight", layer));
    block.feed_forward =
        feed_forward ? feed_forward(checkpoint, layer, matrices) : swiglu_of(checkpoint, layer, matrices);
    parts.blocks.push_back(std::move(block));
  }
  parts.attention = std::make_unique<RepeatedHeadsAttention>(config.heads, config.kv_heads, config.head_dim,
                                                             config.sliding_window);
  parts.norm = load_vector(checkpoint, "norm.weight");
  parts.tied = config.tied_embeddings;
  parts.output = load_linear(parts.tied ? "embedding.weight" : "output.weight");
  return parts;
}

Parts plain_parts(const Checkpoint& checkpoint, const MakeFeedForward& feed_forward) {
  std::shared_ptr<const Matrix> table;
  // What has been decoded is not needed in its stored form any more.
  const auto load_matrix = [&](const Tensor& tensor) {
    auto matrix = std::make_shared<const Matrix>(load_f32(tensor));
    checkpoint.release_pages(tensor);
    return matrix;
  };
  MatrixParts dense;
  dense.embedding = [&](const Tensor& tensor) {
    table = load_matrix(tensor);
    return std::make_unique<DenseEmbedding>(table);
  };
  dense.linear = [&](const Tensor& tensor) {
    return std::make_unique<DenseLinear>(tensor.name == "embedding.weight" ? table : load_matrix(tensor));
  };
  Parts parts = parts_of(checkpoint, dense, feed_forward);
  checkpoint.release_pages();  // norms, and pages that tensors share
  return parts;
}

}  // namespace rung

#include "chapters/04_transformer/parts.h"

#include <fmt/format.h>

#include "chapters/03_attention/repeated_heads.h"
#include "chapters/04_transformer/swiglu.h"

namespace rung {

namespace {

Vector load_vector(const Checkpoint& checkpoint, const std::string& name) {
  return load_f32(checkpoint.tensor(name)).row(0).transpose();
}

std::shared_ptr<const Matrix> load_matrix(const Checkpoint& checkpoint, const std::string& name) {
  return std::make_shared<const Matrix>(load_f32(checkpoint.tensor(name)));
}

std::unique_ptr<Linear> load_linear(const Checkpoint& checkpoint, const std::string& name) {
  return std::make_unique<DenseLinear>(load_matrix(checkpoint, name));
}

}  // namespace

Parts plain_parts(const Checkpoint& checkpoint) {
  const ModelConfig& config = checkpoint.config();
  Parts parts;
  const auto table = load_matrix(checkpoint, "embedding.weight");
  parts.embedding = std::make_unique<DenseEmbedding>(table);
  for (std::int64_t layer = 0; layer < config.layers; ++layer) {
    const std::string attention = fmt::format("layers.{}.attention", layer);
    const std::string feed_forward = fmt::format("layers.{}.feed_forward", layer);
    Block block;
    block.attention_norm = load_vector(checkpoint, attention + ".norm.weight");
    block.q = load_linear(checkpoint, attention + ".q.weight");
    block.k = load_linear(checkpoint, attention + ".k.weight");
    block.v = load_linear(checkpoint, attention + ".v.weight");
    block.o = load_linear(checkpoint, attention + ".o.weight");
    block.feed_forward_norm = load_vector(checkpoint, feed_forward + ".norm.weight");
    block.feed_forward = std::make_unique<SwiGlu>(load_linear(checkpoint, feed_forward + ".gate.weight"),
                                                  load_linear(checkpoint, feed_forward + ".up.weight"),
                                                  load_linear(checkpoint, feed_forward + ".down.weight"));
    parts.blocks.push_back(std::move(block));
  }
  parts.attention = std::make_unique<RepeatedHeadsAttention>(config.heads, config.kv_heads, config.head_dim,
                                                             config.sliding_window);
  parts.norm = load_vector(checkpoint, "norm.weight");
  parts.tied = config.tied_embeddings;
  parts.output = parts.tied ? std::make_unique<DenseLinear>(table) : load_linear(checkpoint, "output.weight");
  // What has been decoded is not needed in its stored form any more.
  checkpoint.release_pages();
  return parts;
}

}  // namespace rung

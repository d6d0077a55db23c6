#include "chapters/21_sizing/model_size.h"

#include "chapters/08_quantization/quantize_model.h"

namespace rung {
namespace {

/// Counts a matrix [out, in] that is there `count` times.
using CountMatrix = std::int64_t (*)(std::int64_t out, std::int64_t in, std::int64_t count, DType type);

ModelParts matrices(const ModelConfig& config, CountMatrix count, DType type, DType router_type) {
  const std::int64_t layers = config.layers, hidden = config.hidden, wide = config.feed_forward;
  const std::int64_t q = config.heads * config.head_dim, kv = config.kv_heads * config.head_dim;
  const std::int64_t experts = config.mixture ? config.mixture->experts : 1;
  ModelParts parts;
  parts.embedding = count(config.vocab, hidden, 1, type);
  parts.attention =
      count(q, hidden, layers, type) + 2 * count(kv, hidden, layers, type) + count(hidden, q, layers, type);
  if (config.mixture) parts.router = count(experts, hidden, layers, router_type);
  parts.feed_forward =
      2 * count(wide, hidden, layers * experts, type) + count(hidden, wide, layers * experts, type);
  if (!config.tied_embeddings) parts.output = count(config.vocab, hidden, 1, type);
  return parts;
}

/// Two in each layer, and the last.
std::int64_t norm_numbers(const ModelConfig& config) {
  return (2 * config.layers + 1) * config.hidden;
}

}  // namespace

ModelParts count_parameters(const ModelConfig& config) {
  const auto numbers = [](std::int64_t out, std::int64_t in, std::int64_t count, DType) {
    return out * in * count;
  };
  ModelParts parts = matrices(config, numbers, DType::F32, DType::F32);
  parts.norms = norm_numbers(config);
  return parts;
}

ModelParts weight_bytes(const ModelConfig& config, DType type) {
  const auto bytes = [](std::int64_t out, std::int64_t in, std::int64_t count, DType wanted) {
    const DTypeInfo& stored = info(type_for_rows(wanted, in));
    return out * (in / stored.block_elements) * stored.block_bytes * count;
  };
  const bool blocks = info(type).block_elements > 1;
  ModelParts parts = matrices(config, bytes, type, blocks ? DType::F32 : type);
  parts.norms = norm_numbers(config) * std::int64_t{sizeof(float)};
  return parts;
}

ModelParts active_parts(const ModelParts& all, const ModelConfig& config) {
  ModelParts active = all;
  if (config.mixture)
    active.feed_forward = all.feed_forward / config.mixture->experts * config.mixture->experts_used;
  return active;
}

}  // namespace rung

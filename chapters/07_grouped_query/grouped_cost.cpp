#include "chapters/07_grouped_query/grouped_cost.h"

#include "chapters/06_kv_cache/cache_cost.h"
#include "chapters/07_grouped_query/ring.h"

namespace rung {

std::int64_t kv_position_bytes(const ModelConfig& config, KvType type) {
  const std::int64_t number_bytes = type == KvType::f32 ? 4 : type == KvType::f16 ? 2 : 1;
  const std::int64_t numbers = position_bytes({.layers = config.layers,
                                               .heads = config.kv_heads,
                                               .head_dim = config.head_dim,
                                               .number_bytes = number_bytes});
  if (type != KvType::i8) return numbers;
  // One fp32 scale for each head: as if heads were one number wide.
  return numbers + position_bytes(
                       {.layers = config.layers, .heads = config.kv_heads, .head_dim = 1, .number_bytes = 4});
}

std::int64_t kv_lanes_bytes(const ModelConfig& config, KvType type, std::int64_t sequences,
                            std::int64_t positions, std::int64_t batch) {
  return sequences * lane_slots(config.sliding_window, positions, batch) * kv_position_bytes(config, type);
}

namespace {

KnownModel known(std::string name, std::int64_t layers, std::int64_t hidden, std::int64_t heads,
                 std::int64_t kv_heads, std::int64_t context) {
  ModelConfig config;
  config.layers = layers;
  config.hidden = hidden;
  config.heads = heads;
  config.kv_heads = kv_heads;
  config.head_dim = hidden / heads;
  config.context = context;
  return {.name = std::move(name), .config = std::move(config)};
}

}  // namespace

std::vector<KnownModel> known_models() {
  std::vector<KnownModel> models{
      known("Llama 2 7B", 32, 4096, 32, 32, 4096), known("Llama 2 13B", 40, 5120, 40, 40, 4096),
      known("Mistral 7B", 32, 4096, 32, 8, 32768), known("Falcon 7B", 32, 4544, 71, 1, 2048)};
  models[2].config.sliding_window = 4096;
  return models;
}

}  // namespace rung

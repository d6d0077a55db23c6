// Exercise 7.1: what shared heads and a window cost. What the two functions must do stands in
// chapters/07_grouped_query/grouped_cost.h.
//
// This file takes the place of chapters/07_grouped_query/grouped_cost.cpp, so it must define what that one does.
// known_models is given.

#include "chapters/07_grouped_query/grouped_cost.h"

#include "chapters/06_kv_cache/cache_cost.h"
#include "chapters/07_grouped_query/ring.h"
#include "core/error.h"

namespace rung {

std::int64_t kv_position_bytes(const ModelConfig& config, KvType type) {
  throw Error(
      ErrorKind::bad_input,
      "kv_position_bytes is not written yet: chapters/07_grouped_query/exercises/README.md, exercise 7.1");
}

std::int64_t kv_lanes_bytes(const ModelConfig& config, KvType type, std::int64_t sequences,
                            std::int64_t positions, std::int64_t batch) {
  throw Error(
      ErrorKind::bad_input,
      "kv_lanes_bytes is not written yet: chapters/07_grouped_query/exercises/README.md, exercise 7.1");
}

// Given: the models of the chapter's table.
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

#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/checkpoint/config.h"
#include "core/stage/kv_type.h"

namespace rung {

/// Bytes of the keys and values of one position, all layers together: of the G heads that are stored, with the scales
/// that int8 needs.
std::int64_t kv_position_bytes(const ModelConfig& config, KvType type);

/// Bytes that stage `grouped` asks for: for each sequence a lane, as long as lane_slots() says.
/// @param sequences, positions  room for so many, each so long
/// @param batch                 T_max: the most rows of one sequence in a batch
std::int64_t kv_lanes_bytes(const ModelConfig& config, KvType type, std::int64_t sequences,
                            std::int64_t positions, std::int64_t batch);

/// A model that people know, by what its published config.json says of attention.
struct KnownModel {
  std::string name;
  ModelConfig config;
};
/// Llama 2 7B and 13B (arXiv:2307.09288), Mistral 7B (arXiv:2310.06825), Falcon 7B (arXiv:2311.16867), whose 71 query
/// heads share one key/value head.
std::vector<KnownModel> known_models();

}  // namespace rung

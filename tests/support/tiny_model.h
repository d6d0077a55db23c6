#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "core/checkpoint/config.h"
#include "tests/support/checkpoint_files.h"

namespace rung::support {

/// The config of the model below: two layers, four heads of 6 on a hidden size of 16, so that head_dim is not
/// hidden / heads.
ModelConfig tiny_config();

/// The same with four experts in every layer, of which each token goes through two.
ModelConfig tiny_mixture_config();

/// A random model of a config: numbers by the project's names for the tensors, [out, in] row by row, in
/// half-split order. The same seed gives the same numbers everywhere.
struct TinyModel {
  ModelConfig config;
  std::map<std::string, std::vector<float>> tensors;

  explicit TinyModel(const ModelConfig& config = tiny_config(), std::uint32_t seed = 1);
};

/// The model as a GGUF file, q and k permuted for the interleaved layout as converters do, with a small
/// byte-level tokenizer when V >= 16. Experts are stacked in tensors of three extents, or each stands alone as older
/// converters wrote them.
enum class Experts { stacked, alone };
GgufFile to_gguf(const TinyModel& model, Experts experts = Experts::stacked);

/// The model as a Hugging Face directory's files.
SafetensorsFile to_safetensors(const TinyModel& model);
nlohmann::json to_config_json(const TinyModel& model);

/// Writes config.json and model.safetensors.
void write_huggingface(const std::filesystem::path& directory, const nlohmann::json& config,
                       const SafetensorsFile& weights);

}  // namespace rung::support

#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "chapters/21_sizing/device.h"
#include "core/checkpoint/config.h"

namespace rung {

// What is known of published models and of hardware: presets/models/*.json and presets/devices/*.json beside this
// chapter. Every fact there names its source.

/// A number that somebody published, and where.
struct CitedFact {
  double value = 0;
  std::string source;
};

/// A model by its published dimensions.
struct SizedModel {
  std::string id;    ///< the file's name without its ending: "llama2-7b"
  std::string name;  ///< "Llama 2 7B"
  ModelConfig config;
  bool rumour = false;                               ///< its maker published nothing of this
  std::optional<std::int64_t> published_parameters;  ///< to the last one
  std::optional<CitedFact> mmlu;                     ///< percent
};

/// Where the presets of a kind are, "models" or "devices".
std::filesystem::path presets_folder(const std::string& kind);

/// Reads a model.
/// @throws Error (bad_input) naming file and field for what is missing, is not what it should be, or has no source
SizedModel read_model_preset(const std::filesystem::path& file);

/// Reads a device, the same way.
Device read_device_preset(const std::filesystem::path& file);

/// What `folder` holds as FILE.json, by the names of the files, sorted.
/// @throws Error (bad_input) when it cannot be read
std::vector<std::string> preset_names(const std::filesystem::path& folder);

/// Every device of the folder, in the order of their names.
std::vector<Device> read_all_devices(const std::filesystem::path& folder);

}  // namespace rung

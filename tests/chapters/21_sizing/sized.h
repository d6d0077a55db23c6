#pragma once

#include <filesystem>
#include <string>

#include "chapters/21_sizing/presets.h"

namespace rung::testing {

/// A checkpoint of Hugging Face among the goldens.
inline std::filesystem::path golden_model(const std::string& name) {
  return std::filesystem::path(RUNG_SOURCE_DIR) / "tests" / "golden" / "hf" / name;
}

/// A model that is a preset.
inline SizedModel sized(const std::string& name) {
  return read_model_preset(presets_folder("models") / (name + ".json"));
}

/// A device that is a preset.
inline Device listed_device(const std::string& name) {
  return read_device_preset(presets_folder("devices") / (name + ".json"));
}

}  // namespace rung::testing

#pragma once

#include <filesystem>
#include <string>

#include "tests/support/checkpoint_files.h"

namespace rung::support {

/// models/tiny.gguf, taken apart so that its parts can be changed.
GgufFile tiny_gguf();

/// The same model as the files of a Hugging Face directory.
struct HuggingFaceFiles {
  std::string config, tokenizer;  ///< config.json, tokenizer.json
  SafetensorsFile weights;        ///< model.safetensors
};
HuggingFaceFiles tiny_huggingface();

}  // namespace rung::support

#pragma once

#include <filesystem>

#include "core/checkpoint/config.h"

namespace rung {

/// The config of a Hugging Face directory: config.json of model_type `llama`, `mistral` or `mixtral`. Absent keys
/// mean what they mean to transformers' LlamaConfig, MistralConfig and MixtralConfig.
/// @throws Error (bad_input) naming file and key for what is missing, impossible or not supported
ModelConfig read_huggingface_config(const std::filesystem::path& file);

}  // namespace rung

#pragma once

#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "core/checkpoint/checkpoint.h"
#include "core/checkpoint/mapped_file.h"
#include "core/error.h"

namespace rung {

/// Nothing; a tokenizer; or what is wrong with it, kept until somebody asks: a model whose tokenizer is
/// damaged can still be given token ids.
using MaybeTokenizer = std::variant<std::monostate, TokenizerData, Error>;

/// What opening a checkpoint of any format results in.
struct OpenedModel {
  std::string format;
  ModelConfig config;
  std::vector<std::unique_ptr<MappedFile>> files;  ///< by pointer: tensors refer to them
  std::vector<Tensor> tensors;
  MaybeTokenizer tokenizer;
};

/// Opens a GGUF file of the `llama` architecture.
OpenedModel open_gguf(const std::filesystem::path& path);

/// Opens a directory with config.json and *.safetensors.
OpenedModel open_huggingface(const std::filesystem::path& directory);

}  // namespace rung

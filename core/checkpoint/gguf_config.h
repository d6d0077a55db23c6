#pragma once

#include "core/checkpoint/config.h"
#include "core/checkpoint/gguf_reader.h"

namespace rung {

/// The config of a GGUF file of architecture `llama`, from its llama.* metadata and the tensors that say
/// more than they do (the embedding's rows, an output matrix or none, rope_freqs.weight).
/// @throws Error (bad_input) naming file and key for what is missing, impossible or not supported
ModelConfig read_gguf_config(const GgufContents& contents);

}  // namespace rung

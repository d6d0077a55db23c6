#pragma once

#include <cstdint>

#include "core/checkpoint/gguf_reader.h"
#include "core/checkpoint/tokenizer_data.h"

namespace rung {

/// Whether the metadata describe a tokenizer at all.
bool has_gguf_tokenizer(const GgufMetadata& metadata);

/// The tokenizer of a GGUF file, from its tokenizer.ggml.* metadata (ggml/docs/gguf.md): models "gpt2"
/// (byte-level) and "llama" (SentencePiece).
/// @param vocab  rows of the embedding; the pieces must be as many
/// @throws Error (bad_input) naming file and key
TokenizerData read_gguf_tokenizer(const GgufMetadata& metadata, std::int64_t vocab);

}  // namespace rung

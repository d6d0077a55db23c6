#pragma once

#include <filesystem>

#include "core/checkpoint/tokenizer_data.h"

namespace rung {

/// Reads the tokenizer of a Hugging Face directory: tokenizer.json, and what tokenizer_config.json and
/// generation_config.json beside it say about special tokens and the chat template (both may be missing).
///
/// BPE models only: byte-level ones (GPT-2, SmolLM2, Llama 3) and SentencePiece-like ones with byte fallback
/// (Llama 2, Mistral).
/// @throws Error (bad_input) naming the file, for what is malformed and for what is not supported
TokenizerData read_tokenizer_json(const std::filesystem::path& directory);

}  // namespace rung

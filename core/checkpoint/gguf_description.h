#pragma once

#include "core/checkpoint/config.h"
#include "core/checkpoint/gguf_writer.h"
#include "core/checkpoint/tokenizer_data.h"

namespace rung {

/// Adds what llama.cpp needs to know of a model, as metadata whose names begin with llama (ggml/docs/gguf.md).
/// Scaling of RoPE by frequency (Llama 3.1) is no metadata there but a tensor, rope_freqs.weight, for the caller to
/// write.
void describe_model(GgufEntries& entries, const ModelConfig& config);

/// Adds the tokenizer, as metadata whose names begin with tokenizer. Pieces without scores get the ranks of their
/// merges for scores, so that llama.cpp merges in the same order; GGUF knows one kind of SentencePiece's dummy prefix
/// only, DummyPrefix::texts, and that is what all kinds but none become.
/// @throws Error (bad_input) when GGUF has no name for how the tokenizer splits text
void describe_tokenizer(GgufEntries& entries, const TokenizerData& tokenizer);

/// Says of which type most of a file's weights are (`general.file_type`), as llama.cpp numbers it.
void describe_file_type(GgufEntries& entries, DType dtype);

}  // namespace rung

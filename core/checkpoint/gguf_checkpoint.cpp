#include "core/checkpoint/bind_tensors.h"
#include "core/checkpoint/gguf_config.h"
#include "core/checkpoint/gguf_tokenizer.h"
#include "core/checkpoint/opened_model.h"

namespace rung {

namespace {

// rope_freqs.weight has been taken into the config. Old converters also wrote each layer's plain rotary
// frequencies, which follow from theta.
bool harmless(std::string_view stored_name) {
  return stored_name == "rope_freqs.weight" ||
         (stored_name.starts_with("blk.") && stored_name.ends_with(".attn_rot_embd.weight"));
}

// ggml's names. The converters permute the rows of q and k, so that pairs to be rotated stand next to each
// other.
TensorNaming naming() {
  return {.embedding = "token_embd.weight",
          .norm = "output_norm.weight",
          .output = "output.weight",
          .layer_prefix = "blk.",
          .in_layer = {"attn_norm.weight", "attn_q.weight", "attn_k.weight", "attn_v.weight",
                       "attn_output.weight", "ffn_norm.weight", "ffn_gate.weight", "ffn_up.weight",
                       "ffn_down.weight"},
          .rope_layout = RopeLayout::interleaved,
          .pads_shapes = true,
          .harmless = harmless};
}

MaybeTokenizer tokenizer_or_error(const GgufMetadata& metadata, std::int64_t vocab) {
  try {
    if (!has_gguf_tokenizer(metadata)) return std::monostate{};
    return read_gguf_tokenizer(metadata, vocab);
  } catch (const Error& error) {
    return error;
  }
}

}  // namespace

OpenedModel open_gguf(const std::filesystem::path& path) {
  OpenedModel model;
  model.files.push_back(std::make_unique<MappedFile>(MappedFile::open(path)));
  const GgufContents contents = read_gguf(*model.files.front());
  model.format = fmt::format("GGUF v{}", contents.version);
  model.config = read_gguf_config(contents);
  model.tensors = bind_tensors(path, model.config, naming(), contents.tensors);
  model.tokenizer = tokenizer_or_error(contents.metadata, model.config.vocab);
  return model;
}

}  // namespace rung

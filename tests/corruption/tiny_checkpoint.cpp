#include "tests/corruption/tiny_checkpoint.h"

#include <algorithm>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "core/checkpoint/checkpoint.h"
#include "core/checkpoint/gguf_reader.h"

namespace rung::support {

namespace {

std::filesystem::path tiny_path() {
  return RUNG_SOURCE_DIR "/models/tiny.gguf";
}

std::uint32_t ggml_type(DType dtype) {
  switch (dtype) {
    case DType::F32:
      return 0;
    case DType::F16:
      return 1;
    default:
      throw std::logic_error("tiny.gguf is expected to hold F32 and F16 only");
  }
}

std::string huggingface_name(const Tensor& tensor) {
  static const std::vector<std::pair<std::string, std::string>> parts = {
      {"attention.norm", "input_layernorm"},  {"attention.q", "self_attn.q_proj"},
      {"attention.k", "self_attn.k_proj"},    {"attention.v", "self_attn.v_proj"},
      {"attention.o", "self_attn.o_proj"},    {"feed_forward.norm", "post_attention_layernorm"},
      {"feed_forward.gate", "mlp.gate_proj"}, {"feed_forward.up", "mlp.up_proj"},
      {"feed_forward.down", "mlp.down_proj"}, {"embedding", "embed_tokens"}};
  if (tensor.name == "output.weight") return "lm_head.weight";
  std::string name = tensor.name;
  for (const auto& [ours, theirs] : parts) {
    const std::size_t at = name.find(ours + ".weight");
    if (at != std::string::npos) name.replace(at, ours.size(), theirs);
  }
  return "model." + name;
}

std::string tokenizer_json(const TokenizerData& data) {
  nlohmann::json vocab = nlohmann::json::object();
  nlohmann::json added = nlohmann::json::array();
  for (std::size_t id = 0; id < data.pieces.size(); ++id) {
    vocab[data.pieces[id]] = id;
    if (data.types[id] == PieceType::control) {
      added.push_back({{"id", id}, {"content", data.pieces[id]}, {"special", true}});
    }
  }
  nlohmann::json merges = nlohmann::json::array();
  for (const auto& [left, right] : data.merges) merges.push_back(left + " " + right);
  const nlohmann::json byte_level = {
      {"type", "ByteLevel"}, {"add_prefix_space", false}, {"trim_offsets", true}, {"use_regex", true}};
  return nlohmann::json{{"version", "1.0"},
                        {"added_tokens", added},
                        {"normalizer", nullptr},
                        {"pre_tokenizer", byte_level},
                        {"post_processor", nullptr},
                        {"decoder", byte_level},
                        {"model", {{"type", "BPE"}, {"vocab", vocab}, {"merges", merges}}}}
      .dump();
}

}  // namespace

GgufFile tiny_gguf() {
  const MappedFile mapped = MappedFile::open(tiny_path());
  const GgufContents contents = read_gguf(mapped);
  GgufFile file;
  file.version = contents.version;
  for (const auto& [key, value] : contents.metadata.values()) {
    Bytes bytes;
    if (value.is_array) append(bytes, std::uint32_t{9});
    append(bytes, static_cast<std::uint32_t>(value.type));
    if (value.is_array) append(bytes, value.count);
    bytes.insert(bytes.end(), value.bytes.begin(), value.bytes.end());
    file.set_raw(key, std::move(bytes));
  }
  for (const StoredTensor& stored : contents.tensors) {
    GgufFile::Tensor tensor{.name = stored.name,
                            .extents = {stored.view.shape.rbegin(), stored.view.shape.rend()},
                            .type = ggml_type(stored.view.dtype),
                            .data = {stored.view.bytes.begin(), stored.view.bytes.end()},
                            .offset = {}};
    file.tensors.push_back(std::move(tensor));
  }
  return file;
}

HuggingFaceFiles tiny_huggingface() {
  const Checkpoint checkpoint = Checkpoint::open(tiny_path());
  HuggingFaceFiles files;
  for (const Tensor& tensor : checkpoint.tensors()) {
    SafetensorsFile::Tensor stored{.name = huggingface_name(tensor),
                                   .dtype = std::string(name(tensor.view.dtype)),
                                   .shape = tensor.view.shape,
                                   .data = {},
                                   .offsets = {}};
    for (std::int64_t row = 0; row < tensor.view.rows(); ++row) {
      const auto bytes = tensor.view.row(tensor.stored_row(row));
      stored.data.insert(stored.data.end(), bytes.begin(), bytes.end());
    }
    files.weights.tensors.push_back(std::move(stored));
  }
  const ModelConfig& c = checkpoint.config();
  files.config = nlohmann::json{
      {"model_type", "llama"},
      {"architectures", {"LlamaForCausalLM"}},
      {"num_hidden_layers", c.layers},
      {"hidden_size", c.hidden},
      {"num_attention_heads", c.heads},
      {"num_key_value_heads", c.kv_heads},
      {"head_dim", c.head_dim},
      {"intermediate_size", c.feed_forward},
      {"vocab_size", c.vocab},
      {"max_position_embeddings", c.context},
      {"rms_norm_eps", c.norm_eps},
      {"rope_theta", c.rope.theta},
      {"rope_scaling", nullptr},
      {"tie_word_embeddings", c.tied_embeddings},
      {"hidden_act",
       "silu"}}.dump();
  files.tokenizer = tokenizer_json(checkpoint.tokenizer());
  return files;
}

}  // namespace rung::support

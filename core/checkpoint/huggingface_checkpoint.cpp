#include <algorithm>
#include <cstring>
#include <iterator>
#include <map>
#include <set>

#include <fmt/format.h>

#include "core/checkpoint/bind_tensors.h"
#include "core/checkpoint/huggingface_config.h"
#include "core/checkpoint/json.h"
#include "core/checkpoint/opened_model.h"
#include "core/checkpoint/printable.h"
#include "core/checkpoint/safetensors.h"
#include "core/checkpoint/tokenizer_json.h"

namespace rung {

namespace {

constexpr std::uintmax_t largest_index = std::uintmax_t{1} << 23;
constexpr std::string_view output_name = "lm_head.weight";
constexpr std::string_view embedding_name = "model.embed_tokens.weight";

// Frequencies that old versions of transformers saved with the weights; they follow from theta.
bool harmless(std::string_view stored_name) {
  return stored_name.ends_with("rotary_emb.inv_freq");
}

// transformers' names. Rows of q and k are in half-split order.
TensorNaming naming() {
  return {
      .embedding = std::string(embedding_name),
      .norm = "model.norm.weight",
      .output = std::string(output_name),
      .layer_prefix = "model.layers.",
      .in_layer = {"input_layernorm.weight", "self_attn.q_proj.weight", "self_attn.k_proj.weight",
                   "self_attn.v_proj.weight", "self_attn.o_proj.weight", "post_attention_layernorm.weight",
                   "mlp.gate_proj.weight", "mlp.up_proj.weight", "mlp.down_proj.weight"},
      .router = "block_sparse_moe.gate.weight",
      .expert = {"block_sparse_moe.experts.{}.w1.weight", "block_sparse_moe.experts.{}.w3.weight",
                 "block_sparse_moe.experts.{}.w2.weight"},
      .rope_layout = RopeLayout::half_split,
      .harmless = harmless};
}

/// Which file holds which tensor, by model.safetensors.index.json.
std::map<std::string, std::string> read_index(const std::filesystem::path& file) {
  const nlohmann::json index = read_json(file, largest_index);
  const auto weights = index.find("weight_map");
  if (weights == index.end() || !weights->is_object()) {
    throw Error(ErrorKind::bad_input, "{}: weight_map is missing", file.string());
  }
  std::map<std::string, std::string> result;
  for (const auto& [tensor, shard] : weights->items()) {
    if (!shard.is_string()) {
      throw Error(ErrorKind::bad_input, "{}: weight_map: the file of {} is not a string", file.string(),
                  printable(tensor));
    }
    const auto name = shard.get<std::string>();
    // A file beside the index, and nothing else: an index from elsewhere must not name files all over the
    // disk.
    if (name.find('/') != std::string::npos || name.find('\0') != std::string::npos ||
        !name.ends_with(".safetensors")) {
      throw Error(ErrorKind::bad_input, "{}: weight_map: \"{}\" is not the name of a .safetensors file",
                  file.string(), printable(name));
    }
    result.emplace(tensor, name);
  }
  return result;
}

/// Maps the shards that the index names, and compares what is in them with it.
std::vector<StoredTensor> read_shards(const std::filesystem::path& index_file, OpenedModel& model) {
  const auto index = read_index(index_file);
  std::map<std::string, const MappedFile*> shards;
  std::vector<StoredTensor> tensors;
  for (const auto& [tensor, shard] : index) {
    if (shards.contains(shard)) continue;
    const std::filesystem::path path = index_file.parent_path() / shard;
    std::error_code ignored;
    if (!std::filesystem::exists(path, ignored)) {
      throw Error(ErrorKind::bad_input, "{}: names {}, which is missing; fetch the rest of the model",
                  index_file.string(), printable(shard));
    }
    model.files.push_back(std::make_unique<MappedFile>(MappedFile::open(path)));
    shards.emplace(shard, model.files.back().get());
    auto in_shard = read_safetensors(*model.files.back());
    std::move(in_shard.begin(), in_shard.end(), std::back_inserter(tensors));
  }
  std::set<std::string_view> held;
  for (const StoredTensor& tensor : tensors) {
    held.insert(tensor.name);
    const auto found = index.find(tensor.name);
    const bool there = found != index.end() && shards.at(found->second) == tensor.file;
    if (!there && !harmless(tensor.name)) {
      throw Error(ErrorKind::bad_input, "{}: is not where {} says", tensor.where(),
                  index_file.filename().string());
    }
  }
  for (const auto& [tensor, shard] : index) {
    if (!held.contains(tensor) && !harmless(tensor)) {
      throw Error(ErrorKind::bad_input, "{}: lists tensor {} in {}, which does not hold it; fetch both again",
                  index_file.string(), printable(tensor), printable(shard));
    }
  }
  return tensors;
}

[[noreturn]] void fail_without_weights(const std::filesystem::path& directory) {
  std::error_code ignored;
  for (const auto& entry : std::filesystem::directory_iterator(directory, ignored)) {
    const std::string extension = entry.path().extension().string();
    if (extension == ".bin" || extension == ".pth" || extension == ".pt") {
      throw Error(
          ErrorKind::bad_input,
          "{}: holds PyTorch weights only ({}), which can run code when they are read; convert them to "
          "safetensors",
          directory.string(), printable(entry.path().filename().string()));
    }
  }
  throw Error(ErrorKind::bad_input, "{}: holds neither model.safetensors nor model.safetensors.index.json",
              directory.string());
}

std::vector<StoredTensor> read_weights(const std::filesystem::path& directory, OpenedModel& model) {
  std::error_code ignored;
  const std::filesystem::path single = directory / "model.safetensors";
  if (std::filesystem::exists(single, ignored)) {
    model.files.push_back(std::make_unique<MappedFile>(MappedFile::open(single)));
    return read_safetensors(*model.files.back());
  }
  const std::filesystem::path index = directory / "model.safetensors.index.json";
  if (std::filesystem::exists(index, ignored)) return read_shards(index, model);
  fail_without_weights(directory);
}

/// Some tied models were saved with the output matrix all the same. It may be dropped when it is the
/// embedding.
void drop_tied_output(std::vector<StoredTensor>& tensors) {
  const auto find = [&tensors](std::string_view name) {
    return std::find_if(tensors.begin(), tensors.end(),
                        [name](const StoredTensor& t) { return t.name == name; });
  };
  const auto output = find(output_name);
  const auto embedding = find(embedding_name);
  if (output == tensors.end() || embedding == tensors.end()) return;
  output->require_readable();
  embedding->require_readable();
  const auto a = output->view.bytes;
  const auto b = embedding->view.bytes;
  if (output->view.dtype != embedding->view.dtype || a.size() != b.size() ||
      std::memcmp(a.data(), b.data(), a.size()) != 0) {
    throw Error(ErrorKind::bad_input, "{}: differs from {}, but config.json says that they are tied",
                output->where(), embedding_name);
  }
  tensors.erase(output);
}

/// Embeddings are padded to round sizes, and a model may write any id that has a row: those that no piece
/// belongs to become unused ones, as converters to GGUF have it.
void pad(TokenizerData& tokenizer, std::int64_t rows) {
  for (std::int64_t id = std::ssize(tokenizer.pieces); id < rows; ++id)
    tokenizer.pieces.push_back(fmt::format("[PAD{}]", id));
  tokenizer.types.resize(tokenizer.pieces.size(), PieceType::unused);
}

MaybeTokenizer tokenizer_or_error(const std::filesystem::path& directory, std::int64_t vocab) {
  std::error_code ignored;
  if (!std::filesystem::exists(directory / "tokenizer.json", ignored)) {
    if (!std::filesystem::exists(directory / "tokenizer.model", ignored)) return std::monostate{};
    return Error(ErrorKind::bad_input,
                 "{}: has tokenizer.model, but no tokenizer.json, which is what this project reads; fetch it "
                 "too, or write it with transformers: AutoTokenizer.from_pretrained(DIRECTORY)"
                 ".save_pretrained(DIRECTORY)",
                 directory.string());
  }
  try {
    TokenizerData tokenizer = read_tokenizer_json(directory);
    if (std::ssize(tokenizer.pieces) > vocab) {
      throw Error(ErrorKind::bad_input, "{}: {} tokens, but the embedding has {} rows only",
                  (directory / "tokenizer.json").string(), tokenizer.pieces.size(), vocab);
    }
    pad(tokenizer, vocab);
    return tokenizer;
  } catch (const Error& error) {
    return error;
  }
}

}  // namespace

OpenedModel open_huggingface(const std::filesystem::path& directory) {
  const std::filesystem::path config_file = directory / "config.json";
  std::error_code ignored;
  if (!std::filesystem::exists(config_file, ignored)) {
    throw Error(ErrorKind::bad_input,
                "{}: is a directory without config.json; expected a Hugging Face model or a "
                "GGUF file",
                directory.string());
  }
  OpenedModel model;
  model.format = "Hugging Face safetensors";
  model.config = read_huggingface_config(config_file);
  std::vector<StoredTensor> tensors = read_weights(directory, model);
  if (model.config.tied_embeddings) drop_tied_output(tensors);
  model.tensors = bind_tensors(directory, model.config, naming(), tensors);
  model.tokenizer = tokenizer_or_error(directory, model.config.vocab);
  return model;
}

}  // namespace rung

#include "core/checkpoint/gguf_config.h"

#include <algorithm>
#include <array>

#include "core/checkpoint/config_checks.h"
#include "core/checkpoint/printable.h"
#include "core/error.h"
#include "core/tensor/decode.h"

namespace rung {

namespace {

// Every llama.* key that is read below, or that says nothing about the computation: vocab_size is checked,
// the rest of rope.scaling.* was advice to whoever extended the context, tensor_data_layout is checked.
constexpr std::array<std::string_view, 21> known_keys = {
    "llama.block_count",
    "llama.context_length",
    "llama.embedding_length",
    "llama.feed_forward_length",
    "llama.vocab_size",
    "llama.tensor_data_layout",
    "llama.expert_count",
    "llama.expert_used_count",
    "llama.attention.head_count",
    "llama.attention.head_count_kv",
    "llama.attention.key_length",
    "llama.attention.value_length",
    "llama.attention.layer_norm_rms_epsilon",
    "llama.attention.sliding_window",
    "llama.attention.causal",
    "llama.rope.dimension_count",
    "llama.rope.freq_base",
    "llama.rope.scale_linear",
    "llama.rope.scaling.type",
    "llama.rope.scaling.factor",
    "llama.rope.scaling.attn_factor",
};
constexpr std::array<std::string_view, 2> remarks = {"llama.rope.scaling.original_context_length",
                                                     "llama.rope.scaling.finetuned"};

class ConfigReader {
 public:
  explicit ConfigReader(const GgufContents& contents) : contents_(contents), metadata_(contents.metadata) {}

  ModelConfig read() const {
    refuse_unsupported();
    ModelConfig config;
    config.layers = metadata_.required_integer("llama.block_count");
    config.context = metadata_.required_integer("llama.context_length");
    config.hidden = metadata_.required_integer("llama.embedding_length");
    config.feed_forward = metadata_.required_integer("llama.feed_forward_length");
    config.heads = metadata_.required_integer("llama.attention.head_count");
    config.kv_heads = metadata_.integer("llama.attention.head_count_kv").value_or(config.heads);
    config.norm_eps = required_number("llama.attention.layer_norm_rms_epsilon");
    config.sliding_window = metadata_.integer("llama.attention.sliding_window");
    if (config.sliding_window == 0) config.sliding_window.reset();  // as llama.cpp has it
    config.mixture = mixture();
    // GGUF calls Mistral and Mixtral `llama` too; a window or experts are all that makes the difference.
    config.family = config.mixture ? "mixtral" : config.sliding_window ? "mistral" : "llama";
    config.head_dim = head_dim(config);
    config.vocab = vocabulary();
    config.tied_embeddings = find("output.weight") == nullptr;
    config.rope.theta = metadata_.number("llama.rope.freq_base").value_or(10000);
    read_rope_scaling(config);
    check_config(metadata_.file(), config);
    return config;
  }

 private:
  template <typename... Args>
  [[noreturn]] void fail(std::string_view key, fmt::format_string<Args...> format, Args&&... args) const {
    throw Error(ErrorKind::bad_input, "{}: metadata {}: {}", metadata_.file().string(), printable(key),
                fmt::format(format, std::forward<Args>(args)...));
  }

  double required_number(std::string_view key) const {
    const auto value = metadata_.number(key);
    if (!value)
      throw Error(ErrorKind::bad_input, "{}: metadata {} is missing", metadata_.file().string(), key);
    return *value;
  }

  const StoredTensor* find(std::string_view name) const {
    const auto found = std::find_if(contents_.tensors.begin(), contents_.tensors.end(),
                                    [name](const StoredTensor& tensor) { return tensor.name == name; });
    return found == contents_.tensors.end() ? nullptr : &*found;
  }

  void refuse_unsupported() const {
    // First: the second part of a model says nothing else about it.
    if (metadata_.integer("split.count").value_or(1) > 1) {
      fail("split.count",
           "files in several parts are not supported; merge them with llama-gguf-split --merge");
    }
    const auto architecture = metadata_.text("general.architecture");
    if (!architecture) fail("general.architecture", "is missing");
    if (*architecture != "llama") {
      fail("general.architecture", "\"{}\" is not supported; llama (which includes Mistral) is",
           printable(*architecture));
    }
    const auto type = metadata_.text("general.type").value_or("model");
    if (type != "model") fail("general.type", "expected a model, found \"{}\"", printable(type));
    if (!metadata_.flag("llama.attention.causal").value_or(true)) {
      fail("llama.attention.causal", "attention that sees later positions is not supported");
    }
    const auto layout = metadata_.text("llama.tensor_data_layout").value_or("Meta AI original pth");
    if (layout != "Meta AI original pth") {
      fail("llama.tensor_data_layout", "\"{}\" is not supported", printable(layout));
    }
    for (const auto& [key, value] : metadata_.values()) {
      const bool known = !key.starts_with("llama.") ||
                         std::find(known_keys.begin(), known_keys.end(), key) != known_keys.end() ||
                         std::find(remarks.begin(), remarks.end(), key) != remarks.end();
      if (!known) fail(key, "is not supported; it may change what the model computes");
    }
  }

  /// No key, or 0 experts, means a dense model.
  std::optional<MixtureConfig> mixture() const {
    const std::int64_t experts = metadata_.integer("llama.expert_count").value_or(0);
    const auto used = metadata_.integer("llama.expert_used_count");
    if (experts == 0) {
      if (used.value_or(0) != 0) fail("llama.expert_used_count", "{} of no experts", *used);
      return std::nullopt;
    }
    if (!used) fail("llama.expert_used_count", "is missing, but there are {} experts", experts);
    return MixtureConfig{.experts = experts, .experts_used = *used};
  }

  /// From key_length, else the rotated dimensions, which must be all of a head's, else hidden / heads.
  std::int64_t head_dim(const ModelConfig& config) const {
    const auto rotated = metadata_.integer("llama.rope.dimension_count");
    const auto key_length = metadata_.integer("llama.attention.key_length");
    if (!key_length && (config.heads < 1 || config.hidden % config.heads != 0)) {
      fail("llama.attention.key_length", "is missing, and {} heads do not divide the hidden size {}",
           config.heads, config.hidden);
    }
    const std::int64_t dim = key_length ? *key_length : config.hidden / config.heads;
    const std::int64_t value_length = metadata_.integer("llama.attention.value_length").value_or(dim);
    if (value_length != dim) {
      fail("llama.attention.value_length", "{} differs from the keys' {}; that is not supported",
           value_length, dim);
    }
    if (rotated.value_or(dim) != dim) {
      fail("llama.rope.dimension_count",
           "{} of a head's {} dimensions are rotated; partial rotation is not supported", *rotated, dim);
    }
    return dim;
  }

  std::int64_t vocabulary() const {
    const StoredTensor* embedding = find("token_embd.weight");
    if (embedding == nullptr) {
      throw Error(ErrorKind::bad_input, "{}: tensor token_embd.weight is missing", metadata_.file().string());
    }
    const Shape shape = without_leading_ones(embedding->view.shape);
    const std::int64_t rows = shape.size() < 2 ? 1 : shape.front();
    const std::int64_t claimed = metadata_.integer("llama.vocab_size").value_or(rows);
    if (claimed != rows) {
      fail("llama.vocab_size", "{}, but tensor token_embd.weight has {} rows", claimed, rows);
    }
    return rows;
  }

  void read_rope_scaling(ModelConfig& config) const {
    const auto type = metadata_.text("llama.rope.scaling.type");
    const double attention_factor = metadata_.number("llama.rope.scaling.attn_factor").value_or(1);
    if (attention_factor != 1)
      fail("llama.rope.scaling.attn_factor", "{} is not supported", attention_factor);
    const auto old_style = metadata_.number("llama.rope.scale_linear");
    const auto factor = metadata_.number("llama.rope.scaling.factor");
    if (type == "linear") {
      if (!factor) fail("llama.rope.scaling.factor", "is missing");
      config.rope.scaling = LinearRopeScaling{.factor = *factor};
    } else if (type && type != "none") {
      fail("llama.rope.scaling.type", "\"{}\" is not supported; none and linear are, and rope_freqs.weight",
           printable(*type));
    } else if (factor && *factor != 1 && *factor != 0) {
      fail("llama.rope.scaling.factor", "{} without llama.rope.scaling.type", *factor);
    } else if (old_style && *old_style != 1) {
      config.rope.scaling = LinearRopeScaling{.factor = *old_style};
    }
    read_frequency_factors(config);
  }

  /// Llama 3.1's scaling comes as a tensor of factors, one per frequency.
  void read_frequency_factors(ModelConfig& config) const {
    const StoredTensor* stored = find("rope_freqs.weight");
    if (stored == nullptr) return;
    if (!std::holds_alternative<std::monostate>(config.rope.scaling)) {
      throw Error(ErrorKind::bad_input, "{}: together with linear rope scaling it is not supported",
                  stored->where());
    }
    stored->require_readable();
    if (stored->view.dtype != DType::F32 ||
        without_leading_ones(stored->view.shape) != Shape{config.head_dim / 2}) {
      throw Error(ErrorKind::bad_input, "{}: expected {} numbers of F32, found shape {} of {}",
                  stored->where(), config.head_dim / 2, to_string(stored->view.shape),
                  name(stored->view.dtype));
    }
    RopeFrequencyFactors factors;
    factors.factors.resize(static_cast<std::size_t>(config.head_dim / 2));
    decode(DType::F32, stored->view.bytes, factors.factors);
    config.rope.scaling = std::move(factors);
  }

  const GgufContents& contents_;
  const GgufMetadata& metadata_;
};

}  // namespace

ModelConfig read_gguf_config(const GgufContents& contents) {
  return ConfigReader(contents).read();
}

}  // namespace rung

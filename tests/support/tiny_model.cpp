#include "tests/support/tiny_model.h"

#include <array>
#include <random>

#include <fmt/format.h>

#include "tests/support/temporary_directory.h"

namespace rung::support {

namespace {

struct StoredMatrix {
  std::string project, gguf, huggingface;
  std::int64_t out, in;  // in = 0: a vector
  std::int64_t heads;    // rotated
};

void add_experts(std::vector<StoredMatrix>& list, const ModelConfig& c, std::int64_t layer) {
  for (std::int64_t e = 0; e < c.mixture->experts; ++e) {
    const auto add = [&](const char* ours, const char* theirs, std::int64_t out, std::int64_t in) {
      list.push_back({fmt::format("layers.{}.feed_forward.experts.{}.{}.weight", layer, e, ours),
                      fmt::format("blk.{}.ffn_{}.{}.weight", layer, ours, e),
                      fmt::format("model.layers.{}.block_sparse_moe.experts.{}.{}.weight", layer, e, theirs),
                      out, in, 0});
    };
    add("gate", "w1", c.feed_forward, c.hidden);
    add("up", "w3", c.feed_forward, c.hidden);
    add("down", "w2", c.hidden, c.feed_forward);
  }
}

std::vector<StoredMatrix> matrices(const ModelConfig& c) {
  const std::int64_t q = c.heads * c.head_dim;
  const std::int64_t kv = c.kv_heads * c.head_dim;
  std::vector<StoredMatrix> list = {
      {"embedding.weight", "token_embd.weight", "model.embed_tokens.weight", c.vocab, c.hidden, 0}};
  for (std::int64_t n = 0; n < c.layers; ++n) {
    const std::string p = fmt::format("layers.{}.", n);
    const std::string g = fmt::format("blk.{}.", n);
    const std::string h = fmt::format("model.layers.{}.", n);
    list.push_back(
        {p + "attention.norm.weight", g + "attn_norm.weight", h + "input_layernorm.weight", c.hidden, 0, 0});
    list.push_back(
        {p + "attention.q.weight", g + "attn_q.weight", h + "self_attn.q_proj.weight", q, c.hidden, c.heads});
    list.push_back({p + "attention.k.weight", g + "attn_k.weight", h + "self_attn.k_proj.weight", kv,
                    c.hidden, c.kv_heads});
    list.push_back(
        {p + "attention.v.weight", g + "attn_v.weight", h + "self_attn.v_proj.weight", kv, c.hidden, 0});
    list.push_back(
        {p + "attention.o.weight", g + "attn_output.weight", h + "self_attn.o_proj.weight", c.hidden, q, 0});
    list.push_back({p + "feed_forward.norm.weight", g + "ffn_norm.weight",
                    h + "post_attention_layernorm.weight", c.hidden, 0, 0});
    if (c.mixture) {
      list.push_back({p + "feed_forward.router.weight", g + "ffn_gate_inp.weight",
                      h + "block_sparse_moe.gate.weight", c.mixture->experts, c.hidden, 0});
      add_experts(list, c, n);
      continue;
    }
    list.push_back({p + "feed_forward.gate.weight", g + "ffn_gate.weight", h + "mlp.gate_proj.weight",
                    c.feed_forward, c.hidden, 0});
    list.push_back({p + "feed_forward.up.weight", g + "ffn_up.weight", h + "mlp.up_proj.weight",
                    c.feed_forward, c.hidden, 0});
    list.push_back({p + "feed_forward.down.weight", g + "ffn_down.weight", h + "mlp.down_proj.weight",
                    c.hidden, c.feed_forward, 0});
  }
  list.push_back({"norm.weight", "output_norm.weight", "model.norm.weight", c.hidden, 0, 0});
  if (!c.tied_embeddings)
    list.push_back({"output.weight", "output.weight", "lm_head.weight", c.vocab, c.hidden, 0});
  return list;
}

/// Rows of each head from [half, pair] to [pair, half], which is reshape and swapaxes in converters.
std::vector<float> permute(const std::vector<float>& numbers, std::int64_t heads, std::int64_t rows,
                           std::int64_t columns) {
  std::vector<float> result;
  const std::int64_t dim = rows / heads;
  for (std::int64_t h = 0; h < heads; ++h) {
    for (std::int64_t pair = 0; pair < dim / 2; ++pair) {
      for (const std::int64_t half : {0, 1}) {
        const auto row = numbers.begin() + (h * dim + half * (dim / 2) + pair) * columns;
        result.insert(result.end(), row, row + columns);
      }
    }
  }
  return result;
}

/// Puts the experts' matrices of each kind and layer one after the other, under the name of the stack.
void stack_experts(GgufFile& file, const ModelConfig& c) {
  for (std::int64_t layer = 0; layer < c.layers; ++layer) {
    for (const char* const matrix : {"gate", "up", "down"}) {
      GgufFile::Tensor stack = file.tensor(fmt::format("blk.{}.ffn_{}.0.weight", layer, matrix));
      file.remove_tensor(stack.name);
      for (std::int64_t e = 1; e < c.mixture->experts; ++e) {
        const std::string name = fmt::format("blk.{}.ffn_{}.{}.weight", layer, matrix, e);
        const Bytes& more = file.tensor(name).data;
        stack.data.insert(stack.data.end(), more.begin(), more.end());
        file.remove_tensor(name);
      }
      stack.name = fmt::format("blk.{}.ffn_{}_exps.weight", layer, matrix);
      stack.extents.push_back(static_cast<std::uint64_t>(c.mixture->experts));
      file.tensors.push_back(std::move(stack));
    }
  }
}

void add_tokenizer(GgufFile& file, std::int64_t vocab) {
  std::vector<std::string> pieces = {
      "<|endoftext|>", "<|im_start|>", "<|im_end|>", "a", "b", "c", "ab", "abc"};
  std::vector<std::int32_t> types = {3, 3, 3, 1, 1, 1, 1, 1};
  for (std::int64_t id = 8; id < vocab; ++id) {
    pieces.push_back(fmt::format("p{}", id));
    types.push_back(1);
  }
  file.set("tokenizer.ggml.model", "gpt2");
  file.set("tokenizer.ggml.pre", "smollm");
  file.set("tokenizer.ggml.tokens", pieces);
  file.set("tokenizer.ggml.token_type", types);
  file.set("tokenizer.ggml.merges", std::vector<std::string>{"a b", "ab c"});
  file.set("tokenizer.ggml.bos_token_id", std::uint32_t{1});
  file.set("tokenizer.ggml.eos_token_id", std::uint32_t{0});
  file.set("tokenizer.ggml.add_bos_token", false);
  file.set("tokenizer.chat_template", "{{ messages }}");
}

}  // namespace

ModelConfig tiny_config() {
  ModelConfig config;
  config.family = "llama";
  config.layers = 2;
  config.hidden = 16;
  config.heads = 4;
  config.kv_heads = 2;
  config.head_dim = 6;
  config.feed_forward = 24;
  config.vocab = 32;
  config.context = 64;
  config.norm_eps = 1e-5;
  config.rope.theta = 10000;
  config.tied_embeddings = false;
  return config;
}

ModelConfig tiny_mixture_config() {
  ModelConfig config = tiny_config();
  config.family = "mixtral";
  config.mixture = MixtureConfig{.experts = 4, .experts_used = 2};
  return config;
}

TinyModel::TinyModel(const ModelConfig& wanted, std::uint32_t seed) : config(wanted) {
  std::mt19937 bits(seed);  // the same stream everywhere, unlike the standard's distributions
  for (const StoredMatrix& m : matrices(config)) {
    std::vector<float>& numbers = tensors[m.project];
    const std::int64_t count = m.out * (m.in == 0 ? 1 : m.in);
    for (std::int64_t i = 0; i < count; ++i) {
      numbers.push_back(static_cast<float>(static_cast<std::int64_t>(bits() >> 16) - 32768) / 65536.0f);
    }
  }
}

GgufFile to_gguf(const TinyModel& model, Experts experts) {
  const ModelConfig& c = model.config;
  GgufFile file;
  const auto count = [](std::int64_t n) { return static_cast<std::uint32_t>(n); };
  file.set("general.architecture", "llama");
  file.set("llama.block_count", count(c.layers));
  file.set("llama.context_length", count(c.context));
  file.set("llama.embedding_length", count(c.hidden));
  file.set("llama.feed_forward_length", count(c.feed_forward));
  file.set("llama.attention.head_count", count(c.heads));
  file.set("llama.attention.head_count_kv", count(c.kv_heads));
  file.set("llama.attention.key_length", count(c.head_dim));
  file.set("llama.attention.value_length", count(c.head_dim));
  file.set("llama.rope.dimension_count", count(c.head_dim));
  file.set("llama.rope.freq_base", static_cast<float>(c.rope.theta));
  file.set("llama.attention.layer_norm_rms_epsilon", static_cast<float>(c.norm_eps));
  file.set("llama.vocab_size", count(c.vocab));
  if (c.sliding_window) file.set("llama.attention.sliding_window", count(*c.sliding_window));
  if (c.mixture) {
    file.set("llama.expert_count", count(c.mixture->experts));
    file.set("llama.expert_used_count", count(c.mixture->experts_used));
  }
  if (c.vocab >= 16) add_tokenizer(file, c.vocab);
  for (const StoredMatrix& m : matrices(c)) {
    const auto& numbers = model.tensors.at(m.project);
    GgufFile::Tensor tensor;
    tensor.name = m.gguf;
    tensor.extents = {static_cast<std::uint64_t>(m.out)};
    if (m.in > 0) tensor.extents.insert(tensor.extents.begin(), static_cast<std::uint64_t>(m.in));
    tensor.data = f32_bytes(m.heads > 0 ? permute(numbers, m.heads, m.out, m.in) : numbers);
    file.tensors.push_back(std::move(tensor));
  }
  if (c.mixture && experts == Experts::stacked) stack_experts(file, c);
  return file;
}

SafetensorsFile to_safetensors(const TinyModel& model) {
  SafetensorsFile file;
  for (const StoredMatrix& m : matrices(model.config)) {
    SafetensorsFile::Tensor tensor;
    tensor.name = m.huggingface;
    tensor.shape = m.in > 0 ? std::vector<std::int64_t>{m.out, m.in} : std::vector<std::int64_t>{m.out};
    tensor.data = f32_bytes(model.tensors.at(m.project));
    file.tensors.push_back(std::move(tensor));
  }
  return file;
}

nlohmann::json to_config_json(const TinyModel& model) {
  const ModelConfig& c = model.config;
  const std::string architecture = c.family == "mixtral"   ? "MixtralForCausalLM"
                                   : c.family == "mistral" ? "MistralForCausalLM"
                                                           : "LlamaForCausalLM";
  nlohmann::json json = {{"architectures", {architecture}},
                         {"model_type", c.family},
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
                         {"tie_word_embeddings", c.tied_embeddings},
                         {"hidden_act", "silu"},
                         {"attention_bias", false},
                         {"mlp_bias", false},
                         {"torch_dtype", "float32"}};
  if (c.family == "mistral") json["sliding_window"] = nullptr;
  if (c.sliding_window) json["sliding_window"] = *c.sliding_window;
  if (c.mixture) {
    json["num_local_experts"] = c.mixture->experts;
    json["num_experts_per_tok"] = c.mixture->experts_used;
  }
  return json;
}

void write_huggingface(const std::filesystem::path& directory, const nlohmann::json& config,
                       const SafetensorsFile& weights) {
  write_file(directory / "config.json", config.dump());
  write_file(directory / "model.safetensors", weights.bytes());
}

}  // namespace rung::support

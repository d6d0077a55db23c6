#include "core/checkpoint/huggingface_config.h"

#include <algorithm>
#include <array>
#include <optional>
#include <string>
#include <string_view>

#include "core/checkpoint/config_checks.h"
#include "core/checkpoint/json.h"
#include "core/checkpoint/printable.h"
#include "core/error.h"

namespace rung {

namespace {

using nlohmann::json;

constexpr std::uintmax_t largest_config = std::uintmax_t{1} << 20;

/// Typed look-ups in one JSON object; null counts as absent, as it does for transformers.
class Fields {
 public:
  Fields(const std::filesystem::path& file, std::string prefix, const json& object)
      : file_(file), prefix_(std::move(prefix)), object_(object) {}

  template <typename... Args>
  [[noreturn]] void fail(std::string_view key, fmt::format_string<Args...> format, Args&&... args) const {
    throw Error(ErrorKind::bad_input, "{}: {}{}: {}", file_.string(), prefix_, printable(key),
                fmt::format(format, std::forward<Args>(args)...));
  }

  const json* find(std::string_view key) const {
    const auto found = object_.find(key);
    return found == object_.end() || found->is_null() ? nullptr : &*found;
  }

  std::optional<std::int64_t> integer(std::string_view key) const {
    const json* value = find(key);
    if (value == nullptr) return std::nullopt;
    const bool fits = value->is_number_integer() && (!value->is_number_unsigned() ||
                                                     value->get<std::uint64_t>() <= std::uint64_t{INT64_MAX});
    if (!fits) fail(key, "expected an integer");
    return value->get<std::int64_t>();
  }

  std::optional<double> number(std::string_view key) const {
    const json* value = find(key);
    if (value == nullptr) return std::nullopt;
    if (!value->is_number()) fail(key, "expected a number");
    return value->get<double>();
  }

  std::optional<std::string> text(std::string_view key) const {
    const json* value = find(key);
    if (value == nullptr) return std::nullopt;
    if (!value->is_string()) fail(key, "expected a string");
    return value->get<std::string>();
  }

  bool flag(std::string_view key, bool otherwise) const {
    const json* value = find(key);
    if (value == nullptr) return otherwise;
    if (!value->is_boolean()) fail(key, "expected true or false");
    return value->get<bool>();
  }

  std::optional<Fields> object(std::string_view key) const {
    const json* value = find(key);
    if (value == nullptr) return std::nullopt;
    if (!value->is_object()) fail(key, "expected an object");
    return Fields(file_, prefix_ + std::string(key) + ".", *value);
  }

  /// What this object holds are values, or it means something that is not known here.
  void refuse_objects(std::string_view why) const {
    for (const auto& [key, value] : object_.items())
      if (value.is_object()) fail(key, "{}", why);
  }

  std::int64_t required_integer(std::string_view key) const {
    const auto value = integer(key);
    if (!value) fail(key, "is missing");
    return *value;
  }

  double required_number(std::string_view key) const {
    const auto value = number(key);
    if (!value) fail(key, "is missing");
    return *value;
  }

  const std::filesystem::path& file() const { return file_; }

 private:
  const std::filesystem::path& file_;
  std::string prefix_;  // "rope_scaling." inside that object
  const json& object_;
};

/// What changes the computation in transformers' code for these families, or replaces that code. Other
/// keys are not read by it, so that passing them over is what it does too.
void refuse_unsupported(const Fields& config) {
  for (const auto key : {"attention_bias", "mlp_bias", "rope_interleaved", "is_encoder_decoder",
                         "add_cross_attention", "use_qk_norm"}) {
    if (config.flag(key, false)) config.fail(key, "true is not supported");
  }
  for (const auto key : {"quantization_config", "auto_map", "layer_types", "no_rope_layers",
                         "attn_logit_softcapping", "final_logit_softcapping", "logit_scale", "clip_qkv"}) {
    if (config.find(key) != nullptr) config.fail(key, "is not supported");
  }
  const std::string activation = config.text("hidden_act").value_or("silu");
  if (activation != "silu")
    config.fail("hidden_act", "\"{}\" is not supported; silu is", printable(activation));
  if (config.number("partial_rotary_factor").value_or(1) != 1) {
    config.fail("partial_rotary_factor", "rotating a part of each head is not supported");
  }
  // Factors that Granite and others multiply in; 1 leaves a plain Llama.
  for (const auto key : {"embedding_multiplier", "residual_multiplier", "logits_scaling"}) {
    if (config.number(key).value_or(1) != 1) config.fail(key, "is not supported");
  }
}

/// What transformers' config class of a family takes for keys that are absent, and the class of its model.
struct Family {
  std::string_view type, architecture;
  double norm_eps, theta;
  std::int64_t context;
  std::optional<std::int64_t> kv_heads, window;
  bool mixture = false;
};

constexpr std::array<Family, 3> families = {
    {{"llama", "LlamaForCausalLM", 1e-6, 10000, 2048, std::nullopt, std::nullopt},
     {"mistral", "MistralForCausalLM", 1e-6, 10000, 4096 * 32, 8, 4096},
     {"mixtral", "MixtralForCausalLM", 1e-5, 1e6, 4096 * 32, 8, std::nullopt, true}}};

const Family& read_family(const Fields& config) {
  const auto type = config.text("model_type");
  if (!type) config.fail("model_type", "is missing");
  const auto family = std::find_if(families.begin(), families.end(),
                                   [&type](const Family& one) { return one.type == *type; });
  if (family == families.end()) {
    config.fail("model_type", "\"{}\" is not supported; llama, mistral and mixtral are", printable(*type));
  }
  const json* architectures = config.find("architectures");
  if (architectures != nullptr && *architectures != json::array({std::string(family->architecture)})) {
    config.fail("architectures", "expected [\"{}\"] for model_type {}", family->architecture, *type);
  }
  return *family;
}

/// MixtralConfig's defaults are 8 experts, of which 2 are used.
std::optional<MixtureConfig> read_mixture(const Fields& config, const Family& family) {
  if (!family.mixture) {
    if (config.find("num_local_experts") != nullptr)
      config.fail("num_local_experts", "is set, but model_type {} has no experts", family.type);
    return std::nullopt;
  }
  return MixtureConfig{.experts = config.integer("num_local_experts").value_or(8),
                       .experts_used = config.integer("num_experts_per_tok").value_or(2)};
}

double read_theta(const Fields& config, const std::optional<Fields>& rope, const Family& family) {
  const auto outside = config.number("rope_theta");
  const auto inside = rope ? rope->number("rope_theta") : std::nullopt;
  if (outside && inside && *outside != *inside) {
    rope->fail("rope_theta", "{} differs from the {} outside", *inside, *outside);
  }
  return inside ? *inside : outside.value_or(family.theta);
}

/// `rope_scaling`, or `rope_parameters` as transformers 5 calls it; either may hold theta.
RopeConfig read_rope(const Fields& config, const Family& family) {
  const auto scaling = config.object("rope_scaling");
  const auto parameters = config.object("rope_parameters");
  if (scaling && parameters)
    config.fail("rope_scaling", "stands beside rope_parameters; which one counts is unclear");
  RopeConfig rope;
  rope.theta = read_theta(config, scaling ? scaling : parameters, family);
  if (!scaling && !parameters) return rope;

  const Fields& fields = scaling ? *scaling : *parameters;
  fields.refuse_objects("parameters for a kind of layers are not supported");
  const auto old_type = fields.text("type");
  const auto type = fields.text("rope_type");
  if (type && old_type && *type != *old_type) fields.fail("rope_type", "differs from type");
  const std::string kind = type ? *type : old_type.value_or("default");
  if (fields.number("partial_rotary_factor").value_or(1) != 1) {
    fields.fail("partial_rotary_factor", "rotating a part of each head is not supported");
  }
  if (kind == "default") {
    if (fields.number("factor").value_or(1) != 1) fields.fail("factor", "without a rope_type");
  } else if (kind == "linear") {
    rope.scaling = LinearRopeScaling{.factor = fields.required_number("factor")};
  } else if (kind == "llama3") {
    rope.scaling =
        Llama3RopeScaling{.factor = fields.required_number("factor"),
                          .low_freq_factor = fields.required_number("low_freq_factor"),
                          .high_freq_factor = fields.required_number("high_freq_factor"),
                          .original_context = fields.required_number("original_max_position_embeddings")};
  } else {
    fields.fail("rope_type", "\"{}\" is not supported; default, linear and llama3 are", printable(kind));
  }
  return rope;
}

/// An absent key means what its family takes, 4096 for Mistral; an explicit null means none, and so does 0.
std::optional<std::int64_t> read_window(const Fields& config, const json& object, const Family& family) {
  auto window = config.integer("sliding_window");
  if (window == 0) window.reset();
  if (family.type != "llama") return object.contains("sliding_window") ? window : family.window;
  if (window) config.fail("sliding_window", "is set, but model_type llama has none");
  return std::nullopt;
}

}  // namespace

ModelConfig read_huggingface_config(const std::filesystem::path& file) {
  const json object = read_json(file, largest_config);
  if (!object.is_object()) {
    throw Error(ErrorKind::bad_input, "{}: expected a JSON object, found {}", file.string(),
                object.type_name());
  }
  const Fields fields(file, "", object);
  ModelConfig config;
  const Family& family = read_family(fields);
  config.family = family.type;
  refuse_unsupported(fields);
  config.layers = fields.required_integer("num_hidden_layers");
  config.hidden = fields.required_integer("hidden_size");
  config.heads = fields.required_integer("num_attention_heads");
  // Null means as many as there are query heads, for all families.
  const bool default_groups = family.kv_heads && !object.contains("num_key_value_heads");
  config.kv_heads =
      fields.integer("num_key_value_heads").value_or(default_groups ? *family.kv_heads : config.heads);
  config.feed_forward = fields.required_integer("intermediate_size");
  config.vocab = fields.required_integer("vocab_size");
  config.context = fields.integer("max_position_embeddings").value_or(family.context);
  config.norm_eps = fields.number("rms_norm_eps").value_or(family.norm_eps);
  config.tied_embeddings = fields.flag("tie_word_embeddings", false);
  config.sliding_window = read_window(fields, object, family);
  config.rope = read_rope(fields, family);
  config.mixture = read_mixture(fields, family);
  const auto head_dim = fields.integer("head_dim");
  if (!head_dim && (config.heads < 1 || config.hidden % config.heads != 0)) {
    fields.fail("head_dim", "is missing, and {} heads do not divide the hidden size {}", config.heads,
                config.hidden);
  }
  config.head_dim = head_dim ? *head_dim : config.hidden / config.heads;
  check_config(file, config);
  return config;
}

}  // namespace rung

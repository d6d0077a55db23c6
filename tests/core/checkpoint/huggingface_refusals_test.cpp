#include <functional>
#include <limits>

#include <fmt/format.h>

#include "tests/catch.h"
#include "tests/support/temporary_directory.h"
#include "tests/support/tiny_model.h"

using namespace rung::support;
using nlohmann::json;

namespace {

void check_refused(const std::function<void(json&, SafetensorsFile&)>& change,
                   std::initializer_list<std::string_view> parts) {
  const TinyModel model;
  json config = to_config_json(model);
  SafetensorsFile weights = to_safetensors(model);
  change(config, weights);
  const TemporaryDirectory directory;
  write_huggingface(directory.path(), config, weights);
  const std::string text = complaint(directory.path());
  INFO(text);
  CHECK(one_line_with(text, {directory.path().string()}));
  CHECK(one_line_with(text, parts));
}

/// Sets one key of config.json.
void check_config_refused(const char* key, const json& value, std::initializer_list<std::string_view> parts) {
  check_refused([&](json& config, SafetensorsFile&) { config[key] = value; }, parts);
}

void check_weights_refused(const std::function<void(SafetensorsFile&)>& change,
                           std::initializer_list<std::string_view> parts) {
  check_refused([&](json&, SafetensorsFile& weights) { change(weights); }, parts);
}

constexpr const char* q = "model.layers.1.self_attn.q_proj.weight";

}  // namespace

TEST_CASE("config.json: what is not supported is refused by name") {
  check_config_refused("model_type", "qwen2", {"config.json", "model_type", "\"qwen2\""});
  check_config_refused("model_type", "mixtral", {"config.json", "architectures", "MixtralForCausalLM"});
  check_config_refused("model_type", nullptr, {"config.json", "model_type", "missing"});
  check_config_refused("architectures", {"LlamaForSequenceClassification"}, {"config.json", "architectures"});
  check_config_refused("attention_bias", true, {"config.json", "attention_bias"});
  check_config_refused("mlp_bias", true, {"config.json", "mlp_bias"});
  check_config_refused("rope_interleaved", true, {"config.json", "rope_interleaved"});
  check_config_refused("hidden_act", "gelu", {"config.json", "hidden_act", "\"gelu\""});
  check_config_refused("quantization_config", {{"quant_method", "gptq"}},
                       {"config.json", "quantization_config"});
  check_config_refused("num_local_experts", 8, {"config.json", "num_local_experts"});
  check_config_refused("auto_map", {{"AutoModel", "modeling.Mine"}}, {"config.json", "auto_map"});
  check_config_refused("partial_rotary_factor", 0.5, {"config.json", "partial_rotary_factor"});
  check_config_refused("sliding_window", 4096, {"config.json", "sliding_window", "llama"});
  check_config_refused("residual_multiplier", 0.2, {"config.json", "residual_multiplier"});
}

TEST_CASE("config.json: rope scalings that are not supported are refused by name") {
  for (const char* type : {"yarn", "dynamic", "longrope", "su"}) {
    check_config_refused("rope_scaling", {{"rope_type", type}, {"factor", 2.0}},
                         {"rope_scaling.rope_type", type});
    check_config_refused("rope_scaling", {{"type", type}, {"factor", 2.0}}, {"rope_scaling.rope_type", type});
  }
  check_config_refused("rope_scaling", {{"type", "linear"}}, {"rope_scaling.factor", "missing"});
  check_config_refused("rope_scaling", {{"type", "linear"}, {"factor", "2"}},
                       {"rope_scaling.factor", "number"});
  check_config_refused("rope_scaling", {{"type", "linear"}, {"factor", 0}},
                       {"rope scaling factor", "positive"});
  check_config_refused("rope_scaling", {{"rope_type", "llama3"}, {"factor", 8}},
                       {"low_freq_factor", "missing"});
  check_config_refused("rope_scaling", {{"factor", 8}}, {"rope_scaling.factor"});
  check_config_refused("rope_scaling",
                       {{"rope_type", "llama3"},
                        {"factor", 8},
                        {"low_freq_factor", 4},
                        {"high_freq_factor", 4},
                        {"original_max_position_embeddings", 8192}},
                       {"low_freq_factor", "below"});
  check_config_refused("rope_scaling", "linear", {"rope_scaling", "object"});
  check_config_refused("rope_scaling", {{"type", "linear"}, {"rope_type", "llama3"}},
                       {"rope_type", "differs"});
  check_config_refused("rope_parameters", {{"rope_theta", 5.0}}, {"rope_theta", "differs"});
  check_config_refused("rope_parameters", {{"rope_theta", 10000.0}, {"partial_rotary_factor", 0.5}},
                       {"rope_parameters.partial_rotary_factor"});
  check_config_refused("rope_scaling", {{"rope_type", "default"}, {"rope_theta", 5.0}},
                       {"rope_scaling.rope_theta", "differs"});
  check_config_refused("rope_parameters", {{"full_attention", {{"rope_theta", 5.0}}}},
                       {"rope_parameters.full_attention", "not supported"});
}

TEST_CASE("config.json: impossible values are refused") {
  for (const char* key :
       {"num_hidden_layers", "hidden_size", "num_attention_heads", "intermediate_size", "vocab_size"}) {
    check_config_refused(key, nullptr, {"config.json", key, "missing"});
    check_config_refused(key, "many", {"config.json", key, "integer"});
    check_config_refused(key, 0.5, {"config.json", key, "integer"});
    check_config_refused(key, std::numeric_limits<std::uint64_t>::max(), {"config.json", key, "integer"});
    check_config_refused(key, 0, {"expected 1 to"});
    check_config_refused(key, -3, {"expected 1 to"});
    check_config_refused(key, std::int64_t{1} << 60, {"expected 1 to"});
  }
  check_config_refused("head_dim", 7, {"head_dim 7 is odd"});
  check_config_refused("num_key_value_heads", 3, {"4 heads", "3 key"});
  check_config_refused("rms_norm_eps", -1e-5, {"epsilon"});
  check_config_refused("rope_theta", 0, {"theta"});
  check_config_refused("tie_word_embeddings", "yes", {"tie_word_embeddings", "true or false"});
  check_config_refused("num_hidden_layers", 4000, {"4000 layers"});
  check_refused(
      [](json& config, SafetensorsFile&) {
        config.erase("head_dim");
        config["num_attention_heads"] = 3;
      },
      {"head_dim", "3 heads do not divide"});
}

TEST_CASE("config.json: what is not JSON is refused") {
  const TinyModel model;
  const TemporaryDirectory directory;
  write_huggingface(directory.path(), to_config_json(model), to_safetensors(model));
  const auto says = [&](std::string_view text, std::initializer_list<std::string_view> parts) {
    write_file(directory.path() / "config.json", text);
    const std::string found = complaint(directory.path());
    INFO(found);
    CHECK(one_line_with(found, {"config.json"}));
    CHECK(one_line_with(found, parts));
  };
  says("{\"model_type\": \n", {"JSON"});
  says("[1]", {"object"});
  says("\xff\xfe{", {"JSON"});
  says(std::string(100000, '['), {"nested"});
  says("{\"a\":" + std::string(100000, '[') + std::string(100000, ']') + "}", {"nested"});
  says(std::string(3 << 20, ' '), {"bytes"});
}

TEST_CASE("a directory without safetensors is refused, with what to do") {
  const TemporaryDirectory directory;
  write_file(directory.path() / "config.json", to_config_json(TinyModel()).dump());
  CHECK(one_line_with(complaint(directory.path()), {"neither model.safetensors nor"}));
  write_file(directory.path() / "pytorch_model.bin", "PK");
  CHECK(one_line_with(complaint(directory.path()), {"pytorch_model.bin", "convert them to safetensors"}));
}

TEST_CASE("safetensors: damaged headers are refused") {
  check_weights_refused([](SafetensorsFile& f) { f.header_length = std::uint64_t{1} << 60; },
                        {"model.safetensors", "impossible"});
  check_weights_refused([](SafetensorsFile& f) { f.header_length = 1 << 20; }, {"ends inside the header"});
  check_weights_refused([](SafetensorsFile& f) { f.header_length = 0; }, {"JSON"});
  check_weights_refused([](SafetensorsFile& f) { f.header = "{\"a\": nonsense}"; }, {"JSON"});
  check_weights_refused([](SafetensorsFile& f) { f.header = "[1, 2]"; }, {"expected a JSON object"});
  check_weights_refused([](SafetensorsFile& f) { f.header = "7"; }, {"expected a JSON object"});
  check_weights_refused([](SafetensorsFile& f) { f.header = "{\"a\": 7}"; },
                        {"tensor a", "expected an object"});
  check_weights_refused([](SafetensorsFile& f) { f.header = "{\"a\": []}"; },
                        {"tensor a", "expected an object"});
  check_weights_refused([](SafetensorsFile& f) { f.header = "{\"a\": {}}"; }, {"tensor a", "dtype"});
  check_weights_refused([](SafetensorsFile& f) { f.header = "{\"a\": {\"dtype\": 3}}"; },
                        {"tensor a", "dtype"});
  check_weights_refused([](SafetensorsFile& f) { f.header = "{\"a\": {\"dtype\": \"F32\"}}"; },
                        {"tensor a", "shape"});
  check_weights_refused(
      [](SafetensorsFile& f) {
        f.header = "{\"a\": {\"dtype\": \"F32\", \"shape\": [1], \"data_offsets\": [0]}}";
      },
      {"tensor a", "data_offsets"});
  check_weights_refused(
      [](SafetensorsFile& f) {
        f.header = "{\"a\": {\"dtype\": \"F32\", \"shape\": [1.5], \"data_offsets\": [0, 4]}}";
      },
      {"tensor a", "shape"});
  check_weights_refused(
      [](SafetensorsFile& f) {
        f.header = "{\"a\": {\"dtype\": \"F32\", \"shape\": [[1]], \"data_offsets\": [0, 4]}}";
      },
      {"nested"});
  check_weights_refused([](SafetensorsFile& f) { f.header = "{\"a\": {\"shape\": [1,1,1,1,1,1,1,1,1]}}"; },
                        {"tensor a", "extents"});
  const auto filled = [](const char* before, const char* item, const char* after) {
    std::string text = before;
    for (int i = 0; i < 500000; ++i) {
      if (i > 0) text += ',';
      text += fmt::format(fmt::runtime(item), i);
    }
    return text += after;
  };
  // What would take hours: see HeaderReader.
  check_weights_refused([&](SafetensorsFile& f) { f.header = filled("{\"a\": {", "\"{}\":[]", "}}"); },
                        {"tensor a", "more than 8 fields"});
  check_weights_refused([&](SafetensorsFile& f) { f.header = filled("{\"a\": {\"shape\": [", "[]", "]}}"); },
                        {"nested"});
  check_weights_refused(
      [&](SafetensorsFile& f) { f.header = filled("{\"__metadata__\": {", "\"{}\":[]", "}}"); },
      {"__metadata__", "texts"});
  check_weights_refused([](SafetensorsFile& f) { f.header = "{\"a\":" + std::string(50000, '['); },
                        {"tensor a"});
  check_weights_refused(
      [](SafetensorsFile& f) {
        f.header =
            "{\"a\": {\"dtype\": \"F32\", \"shape\": [], \"data_offsets\": [0, 4]},"
            " \"a\": {\"dtype\": \"F32\", \"shape\": [], \"data_offsets\": [4, 8]}}";
      },
      {"tensor"});
}

TEST_CASE("safetensors: wrong tensors are refused by name") {
  check_weights_refused([](SafetensorsFile& f) { f.remove_tensor(q); }, {q, "is missing"});
  check_weights_refused([](SafetensorsFile& f) { f.remove_tensor("lm_head.weight"); },
                        {"lm_head.weight", "missing"});
  check_weights_refused([](SafetensorsFile& f) { std::swap(f.tensor(q).shape[0], f.tensor(q).shape[1]); },
                        {q, "expected shape [24, 16]", "found [16, 24]"});
  check_weights_refused([](SafetensorsFile& f) { f.tensor(q).dtype = "F64"; },
                        {q, "type F64 is not supported"});
  check_weights_refused([](SafetensorsFile& f) { f.tensor(q).dtype = "I8"; },
                        {q, "type I8 is not supported"});
  check_weights_refused([](SafetensorsFile& f) { f.tensor(q).dtype = "F16"; },
                        {q, "takes 768 bytes", "span 1536"});
  check_weights_refused([](SafetensorsFile& f) { f.tensor(q).shape = {0, 16}; }, {q, "extent below 1"});
  check_weights_refused([](SafetensorsFile& f) { f.tensor(q).shape = {-24, -16}; }, {q, "sizes"});
  const std::int64_t huge = std::int64_t{1} << 32;
  check_weights_refused([=](SafetensorsFile& f) { f.tensor(q).shape = {huge, huge}; }, {q, "more than 2^63"});
  check_weights_refused(
      [](SafetensorsFile& f) {
        f.tensor(q).offsets = {{0, std::uint64_t{1} << 40}};
      },
      {q, "reach past"});
  check_weights_refused([](SafetensorsFile& f) { f.tensor(q).offsets = {{1536, 0}}; }, {q, "data_offsets"});
  check_weights_refused(
      [](SafetensorsFile& f) {
        f.tensor(q).offsets = {{~std::uint64_t{0}, 1536}};
      },
      {q, "sizes"});
  check_weights_refused([](SafetensorsFile& f) { f.tensor(q).offsets = {{0, 1536}}; }, {q, "overlap"});
  for (const char* extra : {"model.layers.0.self_attn.q_proj.bias", "model.layers.0.self_attn.q_norm.weight",
                            "model.layers.2.input_layernorm.weight", "model.layers.0.mlp.gate.weight"}) {
    check_weights_refused(
        [&](SafetensorsFile& f) {
          f.tensors.push_back(
              {.name = extra, .dtype = "F32", .shape = {4}, .data = f32_bytes({1, 2, 3, 4}), .offsets = {}});
        },
        {"model.safetensors", extra, "is not part of a llama model"});
  }
}

// Checkpoints of mixtures of experts: read alike from every form, and refused where they cannot be one.

#include <functional>

#include <fmt/format.h>

#include "core/checkpoint/checkpoint.h"
#include "tests/catch.h"
#include "tests/support/temporary_directory.h"
#include "tests/support/tiny_model.h"

using namespace rung;
using namespace rung::support;
using nlohmann::json;

namespace {

const TinyModel& model() {
  static const TinyModel made(tiny_mixture_config());
  return made;
}

void check_gguf_refused(const std::function<void(GgufFile&)>& change,
                        std::initializer_list<std::string_view> parts, Experts experts = Experts::stacked) {
  GgufFile file = to_gguf(model(), experts);
  change(file);
  const TemporaryDirectory directory;
  write_file(directory.path() / "tiny.gguf", file.bytes());
  const std::string text = complaint(directory.path() / "tiny.gguf");
  INFO(text);
  CHECK(one_line_with(text, {"tiny.gguf: "}));
  CHECK(one_line_with(text, parts));
}

void check_directory_refused(const std::function<void(json&, SafetensorsFile&)>& change,
                             std::initializer_list<std::string_view> parts) {
  json config = to_config_json(model());
  SafetensorsFile weights = to_safetensors(model());
  change(config, weights);
  const TemporaryDirectory directory;
  write_huggingface(directory.path(), config, weights);
  const std::string text = complaint(directory.path());
  INFO(text);
  CHECK(one_line_with(text, {directory.path().string()}));
  CHECK(one_line_with(text, parts));
}

void check_same_numbers(const Checkpoint& checkpoint) {
  CHECK(checkpoint.config().family == "mixtral");
  REQUIRE(checkpoint.config().mixture);
  CHECK(checkpoint.config().mixture->experts == 4);
  CHECK(checkpoint.config().mixture->experts_used == 2);
  CHECK(checkpoint.config().mixture->renormalize);
  CHECK(checkpoint.tensors().size() == model().tensors.size());
  for (const auto& [name, numbers] : model().tensors) {
    INFO(name);
    const Matrix loaded = load_f32(checkpoint.tensor(name));
    CHECK(std::vector<float>(loaded.data(), loaded.data() + loaded.size()) == numbers);
  }
}

constexpr const char* stack = "blk.1.ffn_up_exps.weight";
constexpr const char* one = "blk.1.ffn_up.2.weight";
constexpr const char* w3 = "model.layers.1.block_sparse_moe.experts.2.w3.weight";

}  // namespace

TEST_CASE(
    "a mixture of experts loads to the same numbers from GGUF's stacks, from experts alone and from a "
    "directory") {
  const TemporaryDirectory directory;
  for (const Experts experts : {Experts::stacked, Experts::alone}) {
    write_file(directory.path() / "tiny.gguf", to_gguf(model(), experts).bytes());
    check_same_numbers(Checkpoint::open(directory.path() / "tiny.gguf"));
  }
  write_huggingface(directory.path(), to_config_json(model()), to_safetensors(model()));
  check_same_numbers(Checkpoint::open(directory.path()));
}

TEST_CASE("GGUF: numbers of experts that no mixture has are refused") {
  const auto count = [](const char* key, std::uint32_t value) {
    return [=](GgufFile& f) { f.set(key, value); };
  };
  check_gguf_refused(count("llama.expert_count", 0), {"llama.expert_used_count", "2 of no experts"});
  check_gguf_refused(count("llama.expert_used_count", 0), {"number of experts used", "1 to 4", "found 0"});
  check_gguf_refused(count("llama.expert_used_count", 5), {"number of experts used", "1 to 4", "found 5"});
  check_gguf_refused(count("llama.expert_count", 1000000), {"number of experts", "found 1000000"});
  check_gguf_refused(count("llama.expert_count", 5), {"blk.0.ffn_gate_inp.weight", "[5, 16]", "[4, 16]"});
  check_gguf_refused([](GgufFile& f) { f.remove("llama.expert_used_count"); },
                     {"llama.expert_used_count", "is missing", "4 experts"});
  check_gguf_refused([](GgufFile& f) { f.set("llama.expert_count", "4"); }, {"llama.expert_count", "string"});
}

TEST_CASE("GGUF: experts that are missing, of another shape or too many are refused") {
  check_gguf_refused([](GgufFile& f) { f.remove_tensor(stack); }, {stack, "is missing", "4 experts"});
  check_gguf_refused([](GgufFile& f) { f.remove_tensor("blk.0.ffn_gate_inp.weight"); },
                     {"blk.0.ffn_gate_inp.weight", "is missing"});
  check_gguf_refused(
      [](GgufFile& f) {
        f.tensor(stack).extents = {24, 16, 4};
      },
      {stack, "[4, 24, 16]", "[4, 16, 24]"});
  check_gguf_refused(
      [](GgufFile& f) {
        f.tensor(stack).extents = {16, 96};
      },
      {stack, "[4, 24, 16]", "[96, 16]"});
  check_gguf_refused(
      [](GgufFile& f) {
        f.tensor(stack).extents = {16, 24, 3};
        f.tensor(stack).data.resize(std::size_t{16} * 24 * 3 * 4);
      },
      {stack, "[4, 24, 16]", "[3, 24, 16]"});
  check_gguf_refused([](GgufFile& f) { f.remove_tensor(one); }, {one, "is missing", "4 experts"},
                     Experts::alone);
  check_gguf_refused(
      [](GgufFile& f) {
        f.tensor(one).extents = {24, 16};
      },
      {one, "[24, 16]", "[16, 24]"}, Experts::alone);
  check_gguf_refused(
      [](GgufFile& f) {
        GgufFile::Tensor fifth = f.tensor(one);
        fifth.name = "blk.1.ffn_up.4.weight";
        f.tensors.push_back(fifth);
      },
      {"blk.1.ffn_up.4.weight", "is not part of a mixtral model"}, Experts::alone);
  check_gguf_refused(
      [](GgufFile& f) {
        GgufFile::Tensor dense = f.tensor(one);
        dense.name = "blk.1.ffn_up.weight";
        f.tensors.push_back(dense);
      },
      {"blk.1.ffn_up.weight", "is not part of"}, Experts::alone);
}

TEST_CASE("GGUF: experts of a model that says it has none are refused") {
  check_gguf_refused(
      [](GgufFile& f) {
        f.remove("llama.expert_count");
        f.remove("llama.expert_used_count");
      },
      {"blk.0.ffn_gate.weight", "is missing"});
}

TEST_CASE("config.json: mixtures that cannot be are refused") {
  const auto set = [](const char* key, const json& value) {
    return [=](json& config, SafetensorsFile&) { config[key] = value; };
  };
  check_directory_refused(set("num_local_experts", 0), {"number of experts", "found 0"});
  check_directory_refused(set("num_experts_per_tok", 0), {"number of experts used", "1 to 4", "found 0"});
  check_directory_refused(set("num_experts_per_tok", 5), {"number of experts used", "1 to 4", "found 5"});
  check_directory_refused(set("num_local_experts", "4"), {"num_local_experts", "integer"});
  check_directory_refused(set("num_local_experts", nullptr),
                          {"block_sparse_moe.gate.weight", "[8, 16]", "[4, 16]"});
  check_directory_refused(set("architectures", {"LlamaForCausalLM"}),
                          {"architectures", "MixtralForCausalLM"});
}

TEST_CASE("safetensors: experts that are missing or of another shape are refused") {
  check_directory_refused([](json&, SafetensorsFile& f) { f.remove_tensor(w3); },
                          {w3, "is missing", "4 experts"});
  check_directory_refused(
      [](json&, SafetensorsFile& f) {
        f.tensor(w3).shape = {16, 24};
      },
      {w3, "[24, 16]", "[16, 24]"});
  check_directory_refused(
      [](json&, SafetensorsFile& f) {
        SafetensorsFile::Tensor extra = f.tensor(w3);
        extra.name = "model.layers.1.block_sparse_moe.experts.4.w3.weight";
        f.tensors.push_back(extra);
      },
      {"experts.4.w3", "is not part of a mixtral model"});
}

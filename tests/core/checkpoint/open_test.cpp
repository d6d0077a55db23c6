#include <algorithm>

#include "core/checkpoint/checkpoint.h"
#include "core/error.h"
#include "tests/catch.h"
#include "tests/support/temporary_directory.h"
#include "tests/support/tiny_model.h"

using namespace rung;
using namespace rung::support;

namespace {

bool holds(const Tensor& tensor, const std::vector<float>& numbers) {
  const Matrix loaded = load_f32(tensor);
  return std::equal(numbers.begin(), numbers.end(), loaded.data(), loaded.data() + loaded.size());
}

/// Number of tensors of the checkpoint that are exactly those of the model.
std::size_t equal_tensors(const Checkpoint& checkpoint, const TinyModel& model) {
  std::size_t count = 0;
  for (const auto& [name, numbers] : model.tensors) count += holds(checkpoint.tensor(name), numbers) ? 1 : 0;
  return count;
}

}  // namespace

TEST_CASE("a GGUF file and a Hugging Face directory load to the numbers they were written from") {
  for (const bool tied : {false, true}) {
    ModelConfig config = tiny_config();
    config.tied_embeddings = tied;
    const TinyModel model(config, 7);
    const TemporaryDirectory directory;
    write_file(directory.path() / "m.gguf", to_gguf(model).bytes());
    write_huggingface(directory.path(), to_config_json(model), to_safetensors(model));

    const Checkpoint gguf = Checkpoint::open(directory.path() / "m.gguf");
    const Checkpoint huggingface = Checkpoint::open(directory.path());
    CHECK(gguf.format() == "GGUF v3");
    CHECK(huggingface.format() == "Hugging Face safetensors");
    for (const Checkpoint* checkpoint : {&gguf, &huggingface}) {
      CHECK(checkpoint->tensors().size() == model.tensors.size());
      CHECK(equal_tensors(*checkpoint, model) == model.tensors.size());
      CHECK((checkpoint->find("output.weight") == nullptr) == tied);
      CHECK(checkpoint->config().tied_embeddings == tied);
    }
    // The bytes differ where rows are permuted: the test would not see a missing permutation otherwise.
    const Tensor& q = gguf.tensor("layers.0.attention.q.weight");
    CHECK(q.row_layout == RopeLayout::interleaved);
    CHECK(q.heads == 4);
    CHECK_FALSE(std::equal(q.view.bytes.begin(), q.view.bytes.end(),
                           huggingface.tensor("layers.0.attention.q.weight").view.bytes.begin()));
    CHECK(gguf.tensor("layers.1.attention.k.weight").heads == 2);
    CHECK_FALSE(gguf.tensor("layers.1.attention.v.weight").row_layout.has_value());
  }
}

TEST_CASE("files that the gguf package and transformers wrote of one model load to the same numbers") {
  const std::filesystem::path golden = RUNG_SOURCE_DIR "/tests/golden";
  for (const std::string name : {"llama_head_dim", "llama3_rope", "llama_linear_rope", "mixtral"}) {
    INFO(name);
    const Checkpoint gguf = Checkpoint::open(golden / "gguf" / (name + ".gguf"));
    const Checkpoint huggingface = Checkpoint::open(golden / "hf" / name);
    REQUIRE(gguf.tensors().size() == huggingface.tensors().size());
    CHECK(gguf.config().head_dim == huggingface.config().head_dim);
    CHECK(gguf.config().rope.theta == huggingface.config().rope.theta);
    CHECK(gguf.config().context == huggingface.config().context);
    for (const Tensor& tensor : huggingface.tensors()) {
      INFO(tensor.name);
      CHECK(load_f32(gguf.tensor(tensor.name)) == load_f32(tensor));
    }
  }
}

TEST_CASE("half-split rows are found in the interleaved order") {
  const TemporaryDirectory directory;
  write_file(directory.path() / "m.gguf", to_gguf(TinyModel()).bytes());
  const Checkpoint checkpoint = Checkpoint::open(directory.path() / "m.gguf");
  const Tensor& q = checkpoint.tensor("layers.0.attention.q.weight");  // heads of 6
  const std::vector<std::int64_t> expected = {0, 2, 4, 1, 3, 5, 6, 8, 10, 7, 9, 11};
  for (std::size_t r = 0; r < expected.size(); ++r)
    CHECK(q.stored_row(static_cast<std::int64_t>(r)) == expected[r]);
  CHECK(checkpoint.tensor("layers.0.attention.v.weight").stored_row(3) == 3);
}

TEST_CASE("GGUF version 2 is version 3 with another number") {
  const TemporaryDirectory directory;
  GgufFile file = to_gguf(TinyModel());
  file.version = 2;
  write_file(directory.path() / "m.gguf", file.bytes());
  CHECK(Checkpoint::open(directory.path() / "m.gguf").format() == "GGUF v2");
}

TEST_CASE("another alignment is followed") {
  const TemporaryDirectory directory;
  const TinyModel model;
  GgufFile file = to_gguf(model);
  file.alignment = 128;
  file.set("general.alignment", std::uint32_t{128});
  write_file(directory.path() / "m.gguf", file.bytes());
  CHECK(equal_tensors(Checkpoint::open(directory.path() / "m.gguf"), model) == model.tensors.size());
}

TEST_CASE("rope scaling is read in every spelling") {
  const TemporaryDirectory directory;
  const TinyModel model;
  const auto open_gguf = [&](const GgufFile& file) {
    write_file(directory.path() / "m.gguf", file.bytes());
    return Checkpoint::open(directory.path() / "m.gguf").config();
  };
  const auto open_json = [&](const nlohmann::json& extra) {
    nlohmann::json config = to_config_json(model);
    if (extra.contains("rope_parameters")) config.erase("rope_theta");
    config.update(extra);
    write_huggingface(directory.path(), config, to_safetensors(model));
    return Checkpoint::open(directory.path()).config();
  };

  SECTION("GGUF: none, linear, and a tensor of factors") {
    GgufFile file = to_gguf(model);
    CHECK(std::holds_alternative<std::monostate>(open_gguf(file).rope.scaling));
    file.set("llama.rope.scaling.type", "none");
    CHECK(std::holds_alternative<std::monostate>(open_gguf(file).rope.scaling));
    file.set("llama.rope.scaling.type", "linear");
    file.set("llama.rope.scaling.factor", 4.0f);
    file.set("llama.rope.scaling.original_context_length", std::uint32_t{2048});
    CHECK(std::get<LinearRopeScaling>(open_gguf(file).rope.scaling).factor == 4);

    GgufFile factors = to_gguf(model);
    factors.tensors.push_back({.name = "rope_freqs.weight",
                               .extents = {3},
                               .type = 0,
                               .data = f32_bytes({1, 2.5f, 8}),
                               .offset = {}});
    const ModelConfig config = open_gguf(factors);
    CHECK(std::get<RopeFrequencyFactors>(config.rope.scaling).factors == std::vector<float>{1, 2.5f, 8});
  }
  SECTION("Hugging Face: none, linear, llama3, and transformers 5's rope_parameters") {
    CHECK(std::holds_alternative<std::monostate>(open_json({{"rope_scaling", nullptr}}).rope.scaling));
    CHECK(std::get<LinearRopeScaling>(
              open_json({{"rope_scaling", {{"type", "linear"}, {"factor", 2}}}}).rope.scaling)
              .factor == 2);
    const nlohmann::json llama3 = {{"rope_type", "llama3"},
                                   {"factor", 32.0},
                                   {"low_freq_factor", 1.0},
                                   {"high_freq_factor", 4.0},
                                   {"original_max_position_embeddings", 8192}};
    for (const char* spelling : {"rope_scaling", "rope_parameters"}) {
      const auto scaling = std::get<Llama3RopeScaling>(open_json({{spelling, llama3}}).rope.scaling);
      CHECK(scaling.factor == 32);
      CHECK(scaling.low_freq_factor == 1);
      CHECK(scaling.high_freq_factor == 4);
      CHECK(scaling.original_context == 8192);
    }
    for (const char* spelling : {"rope_scaling", "rope_parameters"}) {
      nlohmann::json config = to_config_json(model);
      config.erase("rope_theta");
      config[spelling] = {{"rope_type", "default"}, {"rope_theta", 500000.0}};
      write_huggingface(directory.path(), config, to_safetensors(model));
      const RopeConfig plain = Checkpoint::open(directory.path()).config().rope;
      CHECK(plain.theta == 500000);
      CHECK(std::holds_alternative<std::monostate>(plain.scaling));
    }
  }
}

TEST_CASE("Mistral: a window, none, or the default one") {
  ModelConfig config = tiny_config();
  config.family = "mistral";
  config.sliding_window = 8;
  const TinyModel model(config);
  const TemporaryDirectory directory;
  nlohmann::json json = to_config_json(model);
  const auto window = [&] {
    write_huggingface(directory.path(), json, to_safetensors(model));
    const Checkpoint checkpoint = Checkpoint::open(directory.path());
    CHECK(checkpoint.config().family == "mistral");
    return checkpoint.config().sliding_window;
  };
  CHECK(window() == 8);
  json["sliding_window"] = nullptr;
  CHECK(window() == std::nullopt);
  json["sliding_window"] = 0;
  CHECK(window() == std::nullopt);
  json.erase("sliding_window");
  CHECK(window() == 4096);  // MistralConfig's default

  write_file(directory.path() / "m.gguf", to_gguf(model).bytes());
  const Checkpoint gguf = Checkpoint::open(directory.path() / "m.gguf");
  CHECK(gguf.config().family == "mistral");
  CHECK(gguf.config().sliding_window == 8);
  GgufFile without = to_gguf(model);
  without.set("llama.attention.sliding_window", std::uint32_t{0});
  write_file(directory.path() / "m.gguf", without.bytes());
  CHECK(Checkpoint::open(directory.path() / "m.gguf").config().sliding_window == std::nullopt);
}

TEST_CASE("what old files carry along without meaning anything is passed over, readable or not") {
  const TemporaryDirectory directory;
  const TinyModel model;
  struct Stored {
    std::uint32_t gguf_type;
    const char* dtype;
    std::int64_t extent;
    Bytes data;
  };
  for (const Stored& stored : {Stored{0, "F32", 3, f32_bytes({1, 1, 1})}, Stored{28, "F64", 3, Bytes(24)},
                               Stored{27, "I64", 3, Bytes(24)}, Stored{0, "F32", 0, {}}}) {
    GgufFile gguf = to_gguf(model);
    gguf.tensors.push_back({.name = "blk.0.attn_rot_embd.weight",
                            .extents = {static_cast<std::uint64_t>(stored.extent)},
                            .type = stored.gguf_type,
                            .data = stored.data,
                            .offset = {}});
    write_file(directory.path() / "m.gguf", gguf.bytes());
    CHECK(complaint(directory.path() / "m.gguf") == "");

    SafetensorsFile weights = to_safetensors(model);
    weights.tensors.push_back({.name = "model.layers.0.self_attn.rotary_emb.inv_freq",
                               .dtype = stored.dtype,
                               .shape = {stored.extent},
                               .data = stored.data,
                               .offsets = {}});
    write_huggingface(directory.path(), to_config_json(model), weights);
    CHECK(complaint(directory.path()) == "");
  }
}

TEST_CASE("GGUF: a shape may end with extents of 1") {
  const TinyModel model;
  GgufFile file = to_gguf(model);
  file.tensor("token_embd.weight").extents.insert(file.tensor("token_embd.weight").extents.end(), {1, 1});
  file.tensor("output_norm.weight").extents.push_back(1);
  file.tensor("blk.1.attn_q.weight").extents.push_back(1);
  const TemporaryDirectory directory;
  write_file(directory.path() / "m.gguf", file.bytes());
  CHECK(complaint(directory.path() / "m.gguf") == "");
  const Checkpoint checkpoint = Checkpoint::open(directory.path() / "m.gguf");
  CHECK(equal_tensors(checkpoint, model) == model.tensors.size());
  CHECK(checkpoint.tensor("embedding.weight").view.shape.size() == 2);
}

TEST_CASE("a file of a Hugging Face directory is no model, the directory is") {
  const TemporaryDirectory directory;
  write_huggingface(directory.path(), to_config_json(TinyModel()), to_safetensors(TinyModel()));
  for (const char* name : {"model.safetensors", "config.json"})
    CHECK(one_line_with(complaint(directory.path() / name), {name, "give its directory"}));
}

TEST_CASE("a directory with tokenizer.model only says what is read instead") {
  const TemporaryDirectory directory;
  write_huggingface(directory.path(), to_config_json(TinyModel()), to_safetensors(TinyModel()));
  write_file(directory.path() / "tokenizer.model", "x");
  const Checkpoint checkpoint = Checkpoint::open(directory.path());
  CHECK_FALSE(checkpoint.has_tokenizer());
  try {
    checkpoint.tokenizer();
    FAIL("no error");
  } catch (const Error& error) {
    CHECK(one_line_with(error.what(), {"no tokenizer.json", "save_pretrained"}));
  }
}

TEST_CASE("a tokenizer with fewer pieces than the embedding has rows gets unused ones") {
  const TemporaryDirectory directory;
  write_huggingface(directory.path(), to_config_json(TinyModel()), to_safetensors(TinyModel()));
  write_file(directory.path() / "tokenizer.json",
             R"({"pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": false},
                 "model": {"type": "BPE", "vocab": {"a": 0, "b": 1}, "merges": []}})");
  const TokenizerData tokenizer = Checkpoint::open(directory.path()).tokenizer();
  REQUIRE(tokenizer.pieces.size() == 32);
  CHECK(tokenizer.pieces[31] == "[PAD31]");
  CHECK(tokenizer.types[1] == PieceType::normal);
  CHECK(tokenizer.types[2] == PieceType::unused);
}

TEST_CASE("a tied model may come with its output matrix, when it is the embedding") {
  ModelConfig config = tiny_config();
  config.tied_embeddings = true;
  const TinyModel model(config);
  SafetensorsFile weights = to_safetensors(model);
  SafetensorsFile::Tensor output = weights.tensor("model.embed_tokens.weight");
  output.name = "lm_head.weight";
  weights.tensors.push_back(output);
  const TemporaryDirectory directory;
  write_huggingface(directory.path(), to_config_json(model), weights);
  CHECK(complaint(directory.path()) == "");

  weights.tensor("lm_head.weight").data[5] ^= std::byte{1};
  write_huggingface(directory.path(), to_config_json(model), weights);
  CHECK(one_line_with(complaint(directory.path()), {"model.safetensors", "lm_head.weight", "tied"}));
}

TEST_CASE("safetensors in several files with an index") {
  const TinyModel model;
  const SafetensorsFile all = to_safetensors(model);
  SafetensorsFile parts[2];
  nlohmann::json index = {{"metadata", {{"total_size", 1}}}, {"weight_map", nlohmann::json::object()}};
  const std::string names[2] = {"model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"};
  for (std::size_t i = 0; i < all.tensors.size(); ++i) {
    parts[i % 2].tensors.push_back(all.tensors[i]);
    index["weight_map"][all.tensors[i].name] = names[i % 2];
  }
  const TemporaryDirectory directory;
  write_file(directory.path() / "config.json", to_config_json(model).dump());
  for (int i : {0, 1}) write_file(directory.path() / names[i], parts[i].bytes());
  const auto write_index = [&] {
    write_file(directory.path() / "model.safetensors.index.json", index.dump());
  };
  write_index();

  {
    Checkpoint checkpoint = Checkpoint::open(directory.path());
    CHECK(equal_tensors(checkpoint, model) == model.tensors.size());
    // Views stay valid when the checkpoint moves, and pages come back after they were released.
    const Checkpoint moved = std::move(checkpoint);
    moved.release_pages();
    CHECK(equal_tensors(moved, model) == model.tensors.size());
  }
  SECTION("a missing file is named") {
    std::filesystem::remove(directory.path() / names[1]);
    CHECK(one_line_with(complaint(directory.path()), {"index.json", names[1], "missing"}));
  }
  SECTION("a path out of the directory is refused") {
    index["weight_map"]["model.norm.weight"] = "../model-00001-of-00002.safetensors";
    write_index();
    CHECK(one_line_with(complaint(directory.path()), {"index.json", "../model-00001-of-00002.safetensors"}));
  }
  SECTION("a tensor that is not where the index says is named") {
    index["weight_map"]["model.norm.weight"] = names[all.tensors.size() % 2];
    write_index();
    const bool moved = one_line_with(complaint(directory.path()), {"model.norm.weight", "is not where"});
    index["weight_map"]["model.norm.weight"] = names[(all.tensors.size() + 1) % 2];
    write_index();
    const bool other = one_line_with(complaint(directory.path()), {"model.norm.weight", "is not where"});
    CHECK(moved != other);  // one of the two files is the right one
  }
  SECTION("a tensor that the index lists and no file holds") {
    index["weight_map"]["model.layers.9.input_layernorm.weight"] = names[0];
    write_index();
    CHECK(one_line_with(complaint(directory.path()),
                        {"index.json", "lists tensor model.layers.9.input_layernorm.weight in " + names[0]}));
  }
  SECTION("frequencies that mean nothing may be listed or held, or both") {
    const std::string frequencies = "model.layers.0.self_attn.rotary_emb.inv_freq";
    index["weight_map"][frequencies] = names[0];
    write_index();
    CHECK(complaint(directory.path()) == "");
    index["weight_map"].erase(frequencies);
    write_index();
    parts[1].tensors.push_back(
        {.name = frequencies, .dtype = "F32", .shape = {3}, .data = f32_bytes({1, 1, 1}), .offsets = {}});
    write_file(directory.path() / names[1], parts[1].bytes());
    CHECK(complaint(directory.path()) == "");
  }
}

TEST_CASE("a tensor that is not there is named") {
  const TemporaryDirectory directory;
  write_file(directory.path() / "m.gguf", to_gguf(TinyModel()).bytes());
  const Checkpoint checkpoint = Checkpoint::open(directory.path() / "m.gguf");
  CHECK(checkpoint.path() == directory.path() / "m.gguf");
  CHECK(checkpoint.find("layers.2.attention.q.weight") == nullptr);
  try {
    checkpoint.tensor("layers.2.attention.q.weight");
    FAIL("no error");
  } catch (const Error& error) {
    CHECK(error.kind() == ErrorKind::bad_input);
    CHECK(one_line_with(error.what(), {"m.gguf", "layers.2.attention.q.weight"}));
  }
}

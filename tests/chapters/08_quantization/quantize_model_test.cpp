#include "chapters/08_quantization/quantize_model.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <stdexcept>
#include <string>

#include "core/checkpoint/gguf_reader.h"
#include "core/error.h"
#include "tests/catch.h"
#include "tests/corruption/tiny_checkpoint.h"
#include "tests/support/temporary_directory.h"
#include "tests/support/tiny_model.h"

using namespace rung;
using namespace rung::support;
namespace fs = std::filesystem;

namespace {

const char* const tiny = RUNG_SOURCE_DIR "/models/tiny.gguf";

/// Rows of 256 or 32 numbers, so that every type has matrices that it holds.
ModelConfig wide_config() {
  ModelConfig config = tiny_config();
  config.hidden = 256;
  config.head_dim = 16;
  config.feed_forward = 256;
  config.layers = 1;
  return config;
}

double relative_error(const Checkpoint& a, const Checkpoint& b) {
  double squares = 0;
  double errors = 0;
  for (const Tensor& tensor : a.tensors()) {
    if (tensor.view.shape.size() < 2) continue;
    const Matrix x = load_f32(tensor);
    const Matrix y = load_f32(b.tensor(tensor.name));
    squares += x.cast<double>().squaredNorm();
    errors += (y.cast<double>() - x.cast<double>()).squaredNorm();
  }
  return std::sqrt(errors / squares);
}

std::ptrdiff_t files_in(const fs::path& directory) {
  return std::distance(fs::directory_iterator(directory), fs::directory_iterator());
}

const StoredTensor& of_name(const GgufContents& contents, const std::string& name) {
  const auto found = std::ranges::find(contents.tensors, name, &StoredTensor::name);
  INFO(name);
  REQUIRE(found != contents.tensors.end());
  return *found;
}

void same_tokenizer(const TokenizerData& a, const TokenizerData& b) {
  CHECK(a.kind == b.kind);
  CHECK(a.pieces == b.pieces);
  CHECK(a.types == b.types);
  CHECK(a.merges == b.merges);
  CHECK(a.split_patterns == b.split_patterns);
  CHECK(a.bos == b.bos);
  CHECK(a.eos == b.eos);
  CHECK(a.add_bos == b.add_bos);
  CHECK(a.end_of_turn == b.end_of_turn);
  CHECK(a.chat_template == b.chat_template);
}

}  // namespace

TEST_CASE("rows that blocks do not divide fall back as in llama.cpp") {
  CHECK(type_for_rows(DType::Q4_K, 512) == DType::Q4_K);
  CHECK(type_for_rows(DType::Q4_K, 576) == DType::Q5_0);
  CHECK(type_for_rows(DType::Q6_K, 768) == DType::Q6_K);
  CHECK(type_for_rows(DType::Q6_K, 576) == DType::Q8_0);
  CHECK(type_for_rows(DType::Q4_0, 576) == DType::Q4_0);
  CHECK(type_for_rows(DType::Q4_0, 24) == DType::F16);
  CHECK(type_for_rows(DType::Q4_K, 24) == DType::F16);
  CHECK(type_for_rows(DType::Q6_K, 24) == DType::F16);
  CHECK(type_for_rows(DType::BF16, 24) == DType::BF16);
  CHECK(type_for_rows(DType::F32, 1) == DType::F32);
}

TEST_CASE("a quantised model is the old one but for the error that is told") {
  const TemporaryDirectory directory;
  const fs::path in_path = directory.path() / "in.gguf";
  const fs::path out_path = directory.path() / "out.gguf";
  write_file(in_path, to_gguf(TinyModel(wide_config())).bytes());
  const Checkpoint in = Checkpoint::open(in_path);
  struct Expected {
    DType type;
    double at_most;  // a uniform number's error is a step / √12, its own size a range / √12
  };
  for (const auto& [type, at_most] : {Expected{DType::F32, 0},
                                      {DType::F16, 5e-4},
                                      {DType::BF16, 4e-3},
                                      {DType::Q8_0, 8e-3},
                                      {DType::Q6_K, 0.04},
                                      {DType::Q5_0, 0.07},
                                      {DType::Q4_1, 0.08},
                                      {DType::Q4_K, 0.08},
                                      {DType::Q4_0, 0.14}}) {
    INFO(name(type));
    const QuantizedModel result = quantize_model(in, out_path, type);
    const Checkpoint out = Checkpoint::open(out_path);
    const double error = relative_error(in, out);
    CHECK(error == Approx(result.relative_error).epsilon(1e-6));
    CHECK(error <= at_most);
    CHECK(error >= at_most / 4);
    CHECK(result.file_bytes == static_cast<std::int64_t>(fs::file_size(out_path)));
    std::int64_t tensors = 0;
    for (const auto& [stored, total] : result.by_type) tensors += total.tensors;
    CHECK(tensors == static_cast<std::int64_t>(in.tensors().size()));
    for (const Tensor& tensor : out.tensors()) {
      INFO(tensor.name);
      const bool matrix = tensor.view.shape.size() > 1;
      CHECK(tensor.view.dtype == (matrix ? type_for_rows(type, tensor.view.row_elements()) : DType::F32));
      if (!matrix) CHECK(load_f32(tensor) == load_f32(in.tensor(tensor.name)));
    }
    same_tokenizer(out.tokenizer(), in.tokenizer());
  }
}

TEST_CASE("a GGUF file keeps its metadata, and what has the type already its bytes") {
  const TemporaryDirectory directory;
  const fs::path path = directory.path() / "out.gguf";
  quantize_model(Checkpoint::open(tiny), path, DType::F16);
  const MappedFile old_file = MappedFile::open(tiny);
  const MappedFile new_file = MappedFile::open(path);
  const GgufContents before = read_gguf(old_file);
  const GgufContents after = read_gguf(new_file);
  for (const auto& [key, value] : before.metadata.values()) {
    INFO(key);
    REQUIRE(after.metadata.has(key));
    if (key == "general.file_type" || key == "general.quantization_version") continue;
    CHECK(std::ranges::equal(after.metadata.values().at(key).bytes, value.bytes));
  }
  REQUIRE(after.tensors.size() == before.tensors.size());
  for (std::size_t i = 0; i < after.tensors.size(); ++i) {
    CHECK(after.tensors[i].name == before.tensors[i].name);
    CHECK(std::ranges::equal(after.tensors[i].view.bytes, before.tensors[i].view.bytes));
  }
  CHECK(after.metadata.integer("general.file_type") == 1);
}

TEST_CASE("tensors that models do not use are kept: factors of the frequencies") {
  const TemporaryDirectory directory;
  const fs::path path = directory.path() / "out.gguf";
  const Checkpoint in = Checkpoint::open(RUNG_SOURCE_DIR "/tests/golden/gguf/llama3_rope.gguf");
  quantize_model(in, path, DType::Q8_0);
  const Checkpoint out = Checkpoint::open(path);
  const auto factors = [](const Checkpoint& checkpoint) {
    return std::get<RopeFrequencyFactors>(checkpoint.config().rope.scaling).factors;
  };
  CHECK(factors(out) == factors(in));
}

TEST_CASE("a Hugging Face directory becomes the same model, q and k in GGUF's order, experts in stacks") {
  const TemporaryDirectory directory;
  const fs::path path = directory.path() / "out.gguf";
  for (const TinyModel& model : {TinyModel(), TinyModel(tiny_mixture_config())}) {
    INFO(model.config.family);
    write_huggingface(directory.path(), to_config_json(model), to_safetensors(model));
    const Checkpoint in = Checkpoint::open(directory.path());
    const QuantizedModel result = quantize_model(in, path, DType::F32);
    CHECK(result.relative_error == 0);
    const Checkpoint out = Checkpoint::open(path);
    REQUIRE(out.tensors().size() == in.tensors().size());
    for (const Tensor& tensor : in.tensors()) {
      INFO(tensor.name);
      CHECK(load_f32(tensor) == load_f32(out.tensor(tensor.name)));
    }
    CHECK_FALSE(out.has_tokenizer());
    CHECK(out.config().head_dim == in.config().head_dim);
    CHECK(out.config().kv_heads == in.config().kv_heads);
    CHECK(out.config().tied_embeddings == in.config().tied_embeddings);
    CHECK(out.config().norm_eps == Approx(in.config().norm_eps));
    CHECK(out.config().mixture.has_value() == in.config().mixture.has_value());
    // And it is what a converter makes of the same numbers.
    const fs::path converted_path = directory.path() / "converted.gguf";
    write_file(converted_path, to_gguf(model).bytes());
    const MappedFile converted = MappedFile::open(converted_path);
    const MappedFile written = MappedFile::open(path);
    const GgufContents expected = read_gguf(converted);
    const GgufContents found = read_gguf(written);
    CHECK(found.tensors.size() == expected.tensors.size());
    CHECK(result.by_type.at(DType::F32).tensors == std::ssize(found.tensors));
    for (const StoredTensor& tensor : found.tensors) {
      const StoredTensor& other = of_name(expected, tensor.name);
      CHECK(tensor.view.shape == other.view.shape);
      CHECK(std::ranges::equal(tensor.view.bytes, other.view.bytes));
    }
  }
}

TEST_CASE("a Hugging Face mixture of experts has the tensors of its GGUF file, and a router in fp32") {
  const fs::path goldens = fs::path(RUNG_SOURCE_DIR) / "tests" / "golden";
  const TemporaryDirectory directory;
  const fs::path path = directory.path() / "out.gguf";
  const Checkpoint in = Checkpoint::open(goldens / "hf" / "mixtral");
  const MappedFile golden_file = MappedFile::open(goldens / "gguf" / "mixtral.gguf");
  const GgufContents golden = read_gguf(golden_file);
  for (const DType type : {DType::F32, DType::F16, DType::Q8_0}) {
    INFO(name(type));
    quantize_model(in, path, type);
    const MappedFile file = MappedFile::open(path);
    const GgufContents found = read_gguf(file);
    CHECK(found.tensors.size() == golden.tensors.size());
    for (const StoredTensor& tensor : golden.tensors) {
      INFO(tensor.name);
      const StoredTensor& ours = of_name(found, tensor.name);
      CHECK(ours.view.shape == tensor.view.shape);
      if (tensor.name.ends_with("ffn_gate_inp.weight")) CHECK(ours.view.dtype == DType::F32);
      if (tensor.name.ends_with("_exps.weight"))
        CHECK(ours.view.dtype == type_for_rows(type, tensor.view.row_elements()));
    }
  }
}

TEST_CASE("windows and scalings of the positions come through") {
  const TemporaryDirectory directory;
  const fs::path path = directory.path() / "out.gguf";
  ModelConfig config = tiny_config();
  config.family = "mistral";
  config.sliding_window = 8;
  const TinyModel model(config);
  nlohmann::json json = to_config_json(model);
  json["rope_scaling"] = {{"rope_type", "linear"}, {"factor", 4.0}};
  write_huggingface(directory.path(), json, to_safetensors(model));
  quantize_model(Checkpoint::open(directory.path()), path, DType::F32);
  {
    const Checkpoint out = Checkpoint::open(path);
    CHECK(out.config().sliding_window == 8);
    CHECK(std::get<LinearRopeScaling>(out.config().rope.scaling).factor == 4);
  }
  json = to_config_json(TinyModel());
  json["rope_scaling"] = {{"rope_type", "llama3"},
                          {"factor", 8.0},
                          {"low_freq_factor", 1.0},
                          {"high_freq_factor", 4.0},
                          {"original_max_position_embeddings", 32}};
  write_huggingface(directory.path(), json, to_safetensors(TinyModel()));
  quantize_model(Checkpoint::open(directory.path()), path, DType::F32);
  const Checkpoint out = Checkpoint::open(path);
  const auto factors = std::get<RopeFrequencyFactors>(out.config().rope.scaling).factors;
  // Wavelengths 2π, 2π · 10000^(1/3) = 135 and 2916 against 32 / 4 = 8 and 32 / 1: the first stays, the others are
  // longer than 32 and are divided by 8.
  REQUIRE(factors.size() == 3);
  CHECK(factors[0] == 1);
  CHECK(factors[1] == Approx(8));
  CHECK(factors[2] == Approx(8));
}

TEST_CASE("the tokenizer of a Hugging Face directory comes through") {
  const TemporaryDirectory directory;
  const HuggingFaceFiles files = tiny_huggingface();
  write_file(directory.path() / "config.json", files.config);
  write_file(directory.path() / "tokenizer.json", files.tokenizer);
  write_file(directory.path() / "model.safetensors", files.weights.bytes());
  const Checkpoint in = Checkpoint::open(directory.path());
  const fs::path path = directory.path() / "out.gguf";
  quantize_model(in, path, DType::Q8_0);
  same_tokenizer(Checkpoint::open(path).tokenizer(), in.tokenizer());
}

TEST_CASE("what cannot be written is refused, and nothing is left") {
  const TemporaryDirectory models;
  const TemporaryDirectory results;
  const fs::path path = models.path() / "in.gguf";
  const fs::path out = results.path() / "out.gguf";
  const auto complaint_about = [&](float number, DType type) -> std::string {
    TinyModel model(wide_config());
    model.tensors.at("layers.0.attention.v.weight")[256 * 3 + 5] = number;
    write_file(path, to_gguf(model).bytes());
    try {
      quantize_model(Checkpoint::open(path), out, type);
    } catch (const Error& error) {
      return error.what();
    }
    return "";
  };
  const auto names_row = [&path](const std::string& complaint) {
    return one_line_with(complaint, {path.string(), "blk.0.attn_v.weight", "row 3"});
  };
  CHECK(names_row(complaint_about(std::numeric_limits<float>::quiet_NaN(), DType::Q8_0)));
  CHECK(names_row(complaint_about(std::numeric_limits<float>::infinity(), DType::F32)));
  for (const DType type :
       {DType::F16, DType::Q8_0, DType::Q6_K, DType::Q5_0, DType::Q4_K, DType::Q4_1, DType::Q4_0}) {
    INFO(name(type));
    CHECK(names_row(complaint_about(1e30F, type)));
  }
  CHECK(files_in(results.path()) == 0);
  CHECK(complaint_about(1e30F, DType::BF16).empty());
  CHECK(complaint_about(1e30F, DType::F32).empty());
}

TEST_CASE("a run that is stopped leaves nothing, and says how far it was") {
  const TemporaryDirectory directory;
  const fs::path out = directory.path() / "out.gguf";
  const Checkpoint in = Checkpoint::open(tiny);
  double last = -1;
  int calls = 0;
  const auto stop_late = [&](const std::string& tensor, double done) {
    CHECK_FALSE(tensor.empty());
    CHECK(done >= last);
    CHECK(done < 1);
    last = done;
    if (++calls == 30) throw std::runtime_error("stop");
  };
  CHECK_THROWS_AS(quantize_model(in, out, DType::Q4_0, stop_late), std::runtime_error);
  CHECK(calls == 30);
  CHECK(files_in(directory.path()) == 0);
}

// Random models of a real shape: the same everywhere, sane through all layers, with a tokenizer that works.

#include "chapters/08_quantization/synthetic_model.h"

#include <cmath>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <set>
#include <stdexcept>
#include <string>
#include <vector>

#include "chapters/01_tokens/tokenizer.h"
#include "chapters/ladder.h"
#include "core/checkpoint/checkpoint.h"
#include "core/error.h"
#include "tests/catch.h"
#include "tests/support/temporary_directory.h"

namespace {

using namespace rung;

ModelConfig deep_config() {
  ModelConfig config = model_presets().at(2).config;
  config.hidden = 64;
  config.heads = 4;
  config.kv_heads = 2;
  config.head_dim = 16;
  config.feed_forward = 160;
  config.vocab = 500;
  config.context = 64;
  config.sliding_window.reset();
  return config;
}

std::string bytes_of(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

std::uint64_t fnv(const std::string& bytes) {
  std::uint64_t hash = 0xCBF29CE484222325U;
  for (const char c : bytes) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001B3U;
  return hash;
}

double rms(const ConstMatrixView& values) {
  return std::sqrt(values.cast<double>().squaredNorm() / static_cast<double>(values.size()));
}

/// The size of every activation.
class Sizes : public Trace {
 public:
  void see(std::string_view point, const ConstMatrixView& values) override {
    found[std::string(point)] = rms(values);
  }
  std::map<std::string, double> found;
};

std::int64_t weights_of(const ModelConfig& c) {
  const std::int64_t dense = 3 * c.hidden * c.feed_forward;
  const std::int64_t feed_forward = c.mixture ? c.mixture->experts * (dense + c.hidden) : dense;
  const std::int64_t layer =
      c.hidden * (2 * c.heads + 2 * c.kv_heads) * c.head_dim + feed_forward + 2 * c.hidden;
  return 2 * c.vocab * c.hidden + c.layers * layer + c.hidden;
}

}  // namespace

TEST_CASE("the presets have as many weights as the models are known to have") {
  const auto presets = model_presets();
  REQUIRE(presets.size() == 5);
  CHECK(presets[0].name == "llama2-7b");
  CHECK(weights_of(presets[0].config) == 6'738'415'616);
  CHECK(presets[1].name == "llama2-13b");
  CHECK(weights_of(presets[1].config) == 13'015'864'320);
  CHECK(presets[2].name == "mistral-7b");
  CHECK(weights_of(presets[2].config) == 7'241'732'096);
  CHECK(presets[3].name == "mixtral-8x7b");
  CHECK(weights_of(presets[3].config) == 46'702'792'704);
  CHECK(presets[4].name == "gpt4-shaped");
  // As reported: 1.8 trillion in all, 280 billion of them for a token.
  ModelConfig gpt4 = presets[4].config;
  CHECK(static_cast<double>(weights_of(gpt4)) == Approx(1.8e12).epsilon(0.03));
  gpt4.mixture->experts = gpt4.mixture->experts_used;
  CHECK(static_cast<double>(weights_of(gpt4)) == Approx(280e9).epsilon(0.03));
}

TEST_CASE("activations stay sane through all layers") {
  const support::TemporaryDirectory folder;
  const auto path = folder.path() / "deep.gguf";
  const ModelConfig config = deep_config();
  for (const DType type : {DType::F32, DType::Q4_0}) {
    const SyntheticModel made = synthesize_model("deep", config, type, 3, path);
    CHECK(made.weights == weights_of(config));
    CHECK(static_cast<std::uintmax_t>(made.file_bytes) == std::filesystem::file_size(path));
    const Checkpoint checkpoint = Checkpoint::open(path);
    CHECK(checkpoint.config().layers == 32);
    const auto stage = find_stage(ladder(), "kv_cache").make(checkpoint, {});
    Batch batch;
    std::vector<std::int32_t> tokens;
    for (std::int32_t i = 0; i < 48; ++i) tokens.push_back(1 + i * 37 % 499);
    batch.add(0, 0, tokens, Batch::Logits::all);
    Sizes sizes;
    stage->forward(batch, &sizes);
    CHECK(sizes.found.at("embedding") == Approx(1).epsilon(0.05));
    int layers = 0;
    for (const auto& [point, size] : sizes.found) {
      INFO(point << " " << size);
      CHECK(std::isfinite(size));
      // Averages over many keys get small; nothing else gets as small as what a layer adds to the stream.
      CHECK(size > (point.find(".attention.") != std::string::npos ? 0.02 : 0.05));
      CHECK(size < 2);
      if (point.ends_with(".attention.q") || point.ends_with(".feed_forward.up")) {
        CHECK(size == Approx(1).epsilon(0.2));
        ++layers;
      }
    }
    CHECK(layers == 64);
    // E[(silu(g)·u)²] of normal g and u is 0.356; 32 layers add such a thing twice.
    CHECK(sizes.found.at("layers.31.feed_forward.output") == Approx(std::sqrt(0.356 / 64)).epsilon(0.2));
    CHECK(sizes.found.at("logits") == Approx(1).epsilon(0.2));
  }
}

TEST_CASE("a synthetic mixture of experts has the weights of its shape and runs through all of them") {
  const support::TemporaryDirectory folder;
  ModelConfig config = deep_config();
  config.family = "mixtral";
  config.layers = 3;
  config.mixture = MixtureConfig{.experts = 8, .experts_used = 2};
  const SyntheticModel made = synthesize_model("mixture", config, DType::Q4_0, 3, folder.path() / "m.gguf");
  CHECK(made.weights == weights_of(config));
  const Checkpoint checkpoint = Checkpoint::open(folder.path() / "m.gguf");
  REQUIRE(checkpoint.config().mixture);
  CHECK(checkpoint.config().mixture->experts == 8);
  CHECK(checkpoint.tensor("layers.2.feed_forward.router.weight").view.dtype == DType::F32);
  CHECK(checkpoint.tensor("layers.2.feed_forward.experts.7.down.weight").view.dtype == DType::Q4_0);
  Batch batch;
  std::vector<std::int32_t> tokens;
  for (std::int32_t i = 0; i < 48; ++i) tokens.push_back(1 + i * 37 % 499);
  batch.add(0, 0, tokens, Batch::Logits::all);
  for (const char* const name : {"moe", "moe_int4"}) {
    Sizes sizes;
    find_stage(ladder(), name).make(checkpoint, {})->forward(batch, &sizes);
    INFO(name);
    CHECK(sizes.found.at("layers.2.feed_forward.router.scores") == Approx(1).epsilon(0.3));
    CHECK(sizes.found.at("logits") == Approx(1).epsilon(0.2));
  }
}

TEST_CASE("the same seed gives the same file, in this or any other place") {
  const support::TemporaryDirectory folder;
  ModelConfig config = deep_config();
  config.layers = 1;
  const auto made = [&](std::uint64_t seed, DType type) {
    synthesize_model("one", config, type, seed, folder.path() / "m.gguf");
    return bytes_of(folder.path() / "m.gguf");
  };
  const std::string first = made(1, DType::Q4_0);
  CHECK(first == made(1, DType::Q4_0));
  CHECK(first != made(2, DType::Q4_0));
  CHECK(fnv(first) == 0xBE54DD9FB94B4828U);
  CHECK(fnv(made(1, DType::F32)) == 0x0B198C38788431E6U);
}

TEST_CASE("weights are bell-shaped, of the asked size, and none like its neighbour") {
  std::vector<float> numbers(200'000);
  synthetic_weights(7, "layers.0.attention.q.weight", 0, 0.5, numbers);
  double sum = 0;
  double squares = 0;
  double neighbours = 0;
  double fourth = 0;
  for (std::size_t i = 0; i < numbers.size(); ++i) {
    const double x = double{numbers[i]};
    sum += x;
    squares += x * x;
    fourth += x * x * x * x;
    if (i > 0) neighbours += x * double{numbers[i - 1]};
  }
  const double n = 200'000;
  CHECK(std::abs(sum / n) < 0.005);
  CHECK(squares / n == Approx(0.25).epsilon(0.02));
  CHECK(std::abs(neighbours / squares) < 0.01);
  CHECK(fourth / n / std::pow(squares / n, 2) ==
        Approx(2.7).epsilon(0.02));  // of four uniform numbers; normal: 3
  std::vector<float> later(100);
  synthetic_weights(7, "layers.0.attention.q.weight", 1000, 0.5, later);
  CHECK(std::equal(later.begin(), later.end(), numbers.begin() + 1000));
  synthetic_weights(7, "layers.0.attention.k.weight", 1000, 0.5, later);
  CHECK_FALSE(std::equal(later.begin(), later.end(), numbers.begin() + 1000));
}

TEST_CASE("the tokenizer has 32000 pieces, all of which can be reached, and gives every text back") {
  const TokenizerData data = synthetic_tokenizer(32000);
  CHECK(std::set<std::string>(data.pieces.begin(), data.pieces.end()).size() == 32000);
  const Tokenizer tokenizer(data);
  for (const char* const text : {"Once upon a time, there was a little girl.", "  two  spaces",
                                 "Zürich, 日本 🙂\n\ttab", "\x01\x7f", "THE END?!", "a"}) {
    INFO(text);
    CHECK(tokenizer.decode(tokenizer.encode(text)) == text);
  }
  CHECK(tokenizer.encode("there the").size() <= 4);
  int unreached = 0;
  for (std::int32_t id = 259; id < 32000; ++id) {
    const std::string piece = data.pieces[static_cast<std::size_t>(id)];
    const bool begins = piece.starts_with("\xE2\x96\x81");
    const std::string text =
        begins ? piece.substr(3) : "." + piece;  // the dummy prefix goes to the point then
    if (text.empty()) continue;
    const auto ids = tokenizer.encode(text);
    if (ids.back() != id) ++unreached;
  }
  CHECK(unreached == 0);
  CHECK_THROWS_AS(synthetic_tokenizer(258), Error);
  CHECK_THROWS_AS(synthetic_tokenizer(40000), Error);
}

TEST_CASE("what stops the writing leaves nothing") {
  const support::TemporaryDirectory folder;
  const auto stop = [](std::int64_t done, std::int64_t) {
    if (done > 0) throw std::runtime_error("enough");
  };
  CHECK_THROWS_AS(synthesize_model("deep", deep_config(), DType::F16, 1, folder.path() / "m.gguf", stop),
                  std::runtime_error);
  CHECK(std::filesystem::is_empty(folder.path()));
  ModelConfig vast = model_presets().front().config;
  vast.layers = 100'000;  // some petabytes: more than any disk has
  vast.feed_forward = 1 << 20;
  CHECK_THROWS_AS(synthesize_model("vast", vast, DType::F32, 1, folder.path() / "m.gguf"), Error);
  CHECK(std::filesystem::is_empty(folder.path()));
}

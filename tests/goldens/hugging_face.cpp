// Tiny random models against the logits that Hugging Face transformers computed
// (tests/golden/make_hf_goldens.py).

#include <filesystem>
#include <fstream>
#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "chapters/ladder.h"
#include "core/check/npy.h"
#include "core/checkpoint/checkpoint.h"
#include "tests/catch.h"
#include "tests/goldens/teacher_forced.h"

namespace {

using namespace rung;
using namespace rung::testing;

/// max |a - b| / max |b| at every position. Both sides compute in fp32 in different orders; what is seen is
/// about 1e-6, and the mistakes that the script tries change the logits by 1e-2 and more.
constexpr double tolerance = 1e-4;

struct Case {
  std::string name;
  std::filesystem::path directory;
  std::optional<std::filesystem::path> gguf;  // the same model once more
  std::vector<std::int32_t> tokens;
  Matrix logits;  // [tokens, V]
};

std::vector<Case> cases() {
  const auto list = nlohmann::json::parse(std::ifstream(golden_folder() / "hf" / "cases.json"));
  std::vector<Case> found;
  for (const auto& entry : list) {
    Case one;
    one.name = entry.at("name").get<std::string>();
    one.directory = golden_folder() / "hf" / one.name;
    if (entry.contains("gguf")) {
      one.gguf = golden_folder() / entry.at("gguf").get<std::string>();
    }
    one.tokens = entry.at("tokens").get<std::vector<std::int32_t>>();
    const NpyArray stored = read_npy(one.directory / "logits.npy");
    REQUIRE(stored.shape.size() == 2);
    const std::vector<double> values = stored.as_double();
    one.logits = Eigen::Map<const Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>>(
                     values.data(), stored.shape[0], stored.shape[1])
                     .cast<float>();
    found.push_back(std::move(one));
  }
  return found;
}

void check_every_stage(const Case& one, const std::filesystem::path& path) {
  const Checkpoint checkpoint = Checkpoint::open(path);
  for (const StageInfo& info : ladder()) {
    // Stages with weights of their own cannot have these logits; tests/chapters/ladder holds them against what their
    // weights give.
    if (info.weights || !runs(info, checkpoint.config())) continue;
    const auto stage = info.make(checkpoint, {});
    for (const std::int32_t chunk : {0, 7, 1}) {
      const double error = relative_error(teacher_forced(*stage, one.tokens, chunk), one.logits);
      INFO(path.string() << ", stage " << info.name << ", chunks of " << chunk << " (0: whole): " << error);
      CHECK(error <= tolerance);
    }
  }
}

}  // namespace

TEST_CASE("all cases are there") {
  REQUIRE(cases().size() == 9);
  int twice = 0;
  for (const Case& one : cases()) {
    twice += one.gguf.has_value() ? 1 : 0;
  }
  REQUIRE(twice == 4);
}

TEST_CASE("every stage gives the logits of Hugging Face from its directories") {
  for (const Case& one : cases()) {
    check_every_stage(one, one.directory);
  }
}

TEST_CASE("every stage gives the logits of Hugging Face from GGUF") {
  for (const Case& one : cases()) {
    if (one.gguf) {
      check_every_stage(one, *one.gguf);
    }
  }
}

TEST_CASE("GGUF's permuted rows of q and k load to the same numbers") {
  for (const Case& one : cases()) {
    if (!one.gguf) {
      continue;
    }
    const Checkpoint directory = Checkpoint::open(one.directory);
    const Checkpoint gguf = Checkpoint::open(*one.gguf);
    for (const Tensor& tensor : directory.tensors()) {
      INFO(one.name << ", " << tensor.name);
      const Tensor* const same = gguf.find(tensor.name);
      REQUIRE(same != nullptr);
      CHECK(load_f32(*same) == load_f32(tensor));
    }
    // The other direction: GGUF may only have rope_freqs.weight beyond these, which is no tensor of a layer.
    for (const Tensor& tensor : gguf.tensors()) {
      INFO(one.name << ", " << tensor.name);
      CHECK((directory.find(tensor.name) != nullptr || tensor.stored_name == "rope_freqs.weight"));
    }
    const ModelConfig& a = directory.config();
    const ModelConfig& b = gguf.config();
    CHECK(a.layers == b.layers);
    CHECK(a.hidden == b.hidden);
    CHECK(a.heads == b.heads);
    CHECK(a.kv_heads == b.kv_heads);
    CHECK(a.head_dim == b.head_dim);
    CHECK(a.feed_forward == b.feed_forward);
    CHECK(a.vocab == b.vocab);
    CHECK(a.context == b.context);
    CHECK(a.tied_embeddings == b.tied_embeddings);
    REQUIRE(a.mixture.has_value() == b.mixture.has_value());
    if (!a.mixture) continue;
    CHECK(a.mixture->experts == b.mixture->experts);
    CHECK(a.mixture->experts_used == b.mixture->experts_used);
  }
}

TEST_CASE("a difference above the tolerance is seen") {
  Case one = cases().front();
  CHECK(relative_error(one.logits, one.logits) == 0.0);
  Matrix changed = one.logits;
  const Eigen::Index last = changed.rows() - 1;
  changed(last, 3) += static_cast<float>(1.1 * tolerance) * changed.row(last).cwiseAbs().maxCoeff();
  CHECK(relative_error(changed, one.logits) > tolerance);
  changed(0, 0) = std::numeric_limits<float>::quiet_NaN();
  CHECK(!(relative_error(changed, one.logits) <= tolerance));
}

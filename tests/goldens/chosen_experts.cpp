// The experts that a tiny random Mixtral's routers choose, at every layer and position, against those that Hugging Face
// transformers chose (tests/golden/make_hf_goldens.py).

#include <fstream>
#include <map>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "chapters/ladder.h"
#include "core/checkpoint/checkpoint.h"
#include "core/oracle/transformer.h"
#include "tests/catch.h"
#include "tests/goldens/teacher_forced.h"

namespace {

using namespace rung;
using namespace rung::testing;

using Choices = std::vector<std::vector<std::vector<std::int32_t>>>;  // [layer][position][k]

struct Case {
  std::vector<std::int32_t> tokens;
  Choices experts;
};

Case mixtral() {
  for (const auto& entry : nlohmann::json::parse(std::ifstream(golden_folder() / "hf" / "cases.json"))) {
    if (entry.at("name") == "mixtral")
      return {entry.at("tokens").get<std::vector<std::int32_t>>(), entry.at("experts").get<Choices>()};
  }
  FAIL("cases.json has no mixtral");
  return {};
}

std::string chosen_point(std::size_t layer) {
  return "layers." + std::to_string(layer) + ".feed_forward.router.chosen";
}

/// Keeps what the routers chose, batch after batch.
class ChosenExperts : public Trace {
 public:
  void see(std::string_view point, const ConstMatrixView& values) override {
    if (!point.ends_with("router.chosen")) return;
    for (Eigen::Index t = 0; t < values.rows(); ++t) {
      std::vector<std::int32_t>& row = chosen_[std::string(point)].emplace_back();
      for (Eigen::Index i = 0; i < values.cols(); ++i) row.push_back(static_cast<std::int32_t>(values(t, i)));
    }
  }
  const std::vector<std::vector<std::int32_t>>& at(const std::string& point) { return chosen_[point]; }

 private:
  std::map<std::string, std::vector<std::vector<std::int32_t>>> chosen_;
};

}  // namespace

TEST_CASE("stage moe chooses the experts of Hugging Face at every layer and position") {
  const Case one = mixtral();
  for (const auto& path : {golden_folder() / "hf" / "mixtral", golden_folder() / "gguf" / "mixtral.gguf"}) {
    const Checkpoint checkpoint = Checkpoint::open(path);
    REQUIRE(std::ssize(one.experts) == checkpoint.config().layers);
    for (const std::size_t size : {one.tokens.size(), std::size_t{7}, std::size_t{1}}) {
      const auto stage = find_stage(ladder(), "moe").make(checkpoint, {});
      ChosenExperts chosen;
      for (std::size_t first = 0; first < one.tokens.size(); first += size) {
        const auto part = std::span(one.tokens).subspan(first, std::min(size, one.tokens.size() - first));
        Batch batch;
        batch.add(0, static_cast<std::int32_t>(first), part, Batch::Logits::all);
        stage->forward(batch, &chosen);
      }
      for (std::size_t layer = 0; layer < one.experts.size(); ++layer) {
        INFO(path.string() << ", layer " << layer << ", batches of " << size);
        CHECK(chosen.at(chosen_point(layer)) == one.experts[layer]);
      }
    }
  }
}

TEST_CASE("the fp64 model chooses the experts of Hugging Face at every layer and position") {
  const Case one = mixtral();
  const Checkpoint checkpoint = Checkpoint::open(golden_folder() / "hf" / "mixtral");
  std::map<std::string, oracle::Grid> seen;
  const auto keep = [&seen](std::string_view point, const oracle::Grid& values) {
    seen[std::string(point)] = values;
  };
  oracle::Transformer(checkpoint).normed(one.tokens, {.see = keep, .sum = {}});
  for (std::size_t layer = 0; layer < one.experts.size(); ++layer) {
    const oracle::Grid& chosen = seen[chosen_point(layer)];
    REQUIRE(chosen.rows == std::ssize(one.experts[layer]));
    for (std::int64_t t = 0; t < chosen.rows; ++t) {
      const auto row = chosen.row(t);
      INFO("layer " << layer << ", position " << t);
      CHECK(std::vector<std::int32_t>(row.begin(), row.end()) ==
            one.experts[layer][static_cast<std::size_t>(t)]);
    }
  }
}

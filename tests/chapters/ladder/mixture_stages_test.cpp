// What stages do with mixtures of experts, and what is the same as in a dense model.

#include <array>
#include <string>

#include "chapters/09_mixture_of_experts/moe_stages.h"
#include "chapters/ladder.h"
#include "core/check/model_mistakes.h"
#include "core/check/oracle_stage.h"
#include "core/check/whole_model.h"
#include "core/error.h"
#include "tests/catch.h"
#include "tests/chapters/ladder/models.h"
#include "tests/support/temporary_directory.h"
#include "tests/support/tiny_model.h"

namespace {

using namespace rung;
using namespace rung::check;
using namespace rung::support;

constexpr std::array<std::int32_t, 12> tokens{3, 1, 4, 1, 5, 9, 2, 6, 5, 3, 5, 8};

Matrix logits_of(Stage& stage) {
  Batch batch;
  batch.add(0, 0, tokens, Batch::Logits::all);
  return stage.forward(batch);
}

Checkpoint written(const TemporaryDirectory& directory, const std::string& name, const TinyModel& model) {
  const auto path = directory.path() / (name + ".gguf");
  write_file(path, to_gguf(model).bytes());
  return Checkpoint::open(path);
}

double difference(const Matrix& a, const Matrix& b) {
  return static_cast<double>((a - b).cwiseAbs().maxCoeff() / b.cwiseAbs().maxCoeff());
}

}  // namespace

TEST_CASE("stages of one dense feed-forward layer refuse a mixture and name the stage that runs it") {
  const Checkpoint mixture = Checkpoint::open(testing::model_path("mixtral"));
  int refused = 0;
  for (const StageInfo& stage : ladder()) {
    if (runs(stage, mixture.config())) continue;
    INFO(stage.name);
    ++refused;
    try {
      stage.make(mixture, {});
      FAIL("it was made");
    } catch (const Error& error) {
      CHECK(error.kind() == ErrorKind::usage);
      CHECK(std::string(error.what()) ==
            "stage " + stage.name + " runs no mixture of experts; take --stage moe");
    }
  }
  CHECK(refused == 5);
}

TEST_CASE("a dense model runs in moe as in grouped, bit by bit, and in moe_int4 as in int4") {
  const Checkpoint dense = Checkpoint::open(testing::model_path("tiny"));
  for (const auto& [mixture, plain] : {std::pair("moe", "grouped"), std::pair("moe_int4", "int4")}) {
    const auto a = find_stage(ladder(), mixture).make(dense, {});
    const auto b = find_stage(ladder(), plain).make(dense, {});
    CHECK(logits_of(*a) == logits_of(*b));
    CHECK(a->weight_bytes() == b->weight_bytes());
    CHECK(a->cost().bytes_of_one_row() == b->cost().bytes_of_one_row());
    CHECK(a->cost().experts == 0);
  }
}

TEST_CASE("a mixture of experts that are all alike is the dense model") {
  const TinyModel dense;
  TinyModel alike(tiny_mixture_config());
  for (auto& [name, numbers] : alike.tensors) {
    if (name.find("router") != std::string::npos) continue;
    std::string same = name;
    if (const auto experts = same.find("experts."); experts != std::string::npos)
      same.erase(experts, same.find('.', experts + 8) + 1 - experts);
    INFO(name << " as " << same);
    REQUIRE(dense.tensors.contains(same));
    numbers = dense.tensors.at(same);
  }
  const TemporaryDirectory directory;
  const Checkpoint plain = written(directory, "dense", dense);
  const Checkpoint mixture = written(directory, "alike", alike);
  const Matrix expected = logits_of(*find_stage(ladder(), "grouped").make(plain, {}));
  const Matrix found = logits_of(*find_stage(ladder(), "moe").make(mixture, {}));
  INFO(difference(found, expected));
  CHECK(difference(found, expected) < 1e-5);
  // Not because nothing is seen: without renormalisation the experts' outputs are too small.
  const auto wrong = make_oracle_stage(
      mixture, {}, {.mistake = &find_model_mistake("expert_weights_not_renormalised"), .rounding = {}});
  CHECK(difference(logits_of(*wrong), expected) > 1e-2);
}

TEST_CASE("all ways of dispatch give the same logits") {
  const Checkpoint checkpoint = Checkpoint::open(testing::model_path("mixtral"));
  const Matrix expected = logits_of(*make_moe(checkpoint, {}));
  for (const Dispatch dispatch : {Dispatch::tokens, Dispatch::experts, Dispatch::segments})
    CHECK(difference(logits_of(*make_moe_by(dispatch, checkpoint, {})), expected) < 1e-5);
}

TEST_CASE("moe holds all experts, and counts for a row those that it goes through") {
  const Checkpoint checkpoint = Checkpoint::open(testing::model_path("mixtral"));
  const ModelConfig& c = checkpoint.config();
  const auto stage = make_moe(checkpoint, {});
  std::int64_t parameters = 0;
  for (const Tensor& tensor : checkpoint.tensors()) parameters += elements(tensor.view.shape);
  CHECK(stage->weight_bytes() == 4 * parameters);
  const StageCost cost = stage->cost();
  const std::int64_t one_expert = 3 * c.hidden * c.feed_forward;
  CHECK(cost.experts == c.mixture->experts);
  CHECK(cost.experts_used == c.mixture->experts_used);
  CHECK(cost.expert_bytes == 4 * c.layers * c.mixture->experts * one_expert);
  // Everything but the embedding (of which a row is read), the norms, and the experts that are not chosen.
  const std::int64_t unread = c.vocab * c.hidden + (2 * c.layers + 1) * c.hidden +
                              c.layers * (c.mixture->experts - c.mixture->experts_used) * one_expert;
  CHECK(cost.bytes_of_one_row() == 4 * (parameters - unread));
  CHECK(cost.flops_per_row + cost.flops_per_logits_row == 2 * (parameters - unread));
}

TEST_CASE("the texts of a mixture's check are such that a router's choice does not hang on rounding") {
  const Checkpoint checkpoint = Checkpoint::open(testing::model_path("mixtral"));
  WholeModelCheck::Options options;
  options.longest_text = 48;
  options.weights = moe_int4_weights;
  options.activation_group = find_stage(ladder(), "moe_int4").activation_group;
  const WholeModelCheck whole(checkpoint, options);
  for (const ModelReference& reference : whole.references()) {
    CHECK(reference.unsure.empty());
    const auto [least, most] = std::ranges::minmax(reference.logits.values);
    CHECK(reference.budget < 0.5 * (most - least));
  }
  // They are other texts than a check without rounded activations has, so something was in the way.
  options.activation_group = 0;
  CHECK(WholeModelCheck(checkpoint, options).references().front().tokens !=
        whole.references().front().tokens);
}

// Every stage of the ladder against its predecessor and the fp64 oracle. A stage that is added to the ladder
// is tested here without another line.

#include <string>

#include "chapters/ladder.h"
#include "core/check/oracle_stage.h"
#include "core/check/whole_model.h"
#include "tests/catch.h"
#include "tests/chapters/ladder/models.h"

namespace {

using namespace rung;
using namespace rung::check;

void check_every_stage(const std::string& model, std::int64_t longest_text) {
  const Checkpoint checkpoint = Checkpoint::open(testing::model_path(model));
  WholeModelCheck::Options options;
  options.longest_text = longest_text;
  const WholeModelCheck whole(checkpoint, options);
  for (const StageInfo& stage : ladder()) {
    if (!runs(stage, checkpoint.config())) continue;
    const StageInfo* const below = predecessor(ladder(), stage, checkpoint.config());
    const StageReport report = whole.check(stage, below);
    INFO(to_text(report));
    CHECK(report.passed);
    CHECK(report.percent > 0);
    CHECK(report.percent <= 100);
    // Whole, greedy, again, trace, three chunk sizes, batch, rows, fork, truncate, refusals, six with a window, the
    // stage below, and whether answers are too large where activations are rounded.
    CHECK(report.verdicts.size() == (below ? 19U : 18U) + (stage.activation_group > 0 ? 1U : 0U));
  }
}

}  // namespace

TEST_CASE("every stage on the trained model") {
  check_every_stage("tiny", 72);
}

TEST_CASE("every stage on a random grouped-query model with tied embeddings") {
  check_every_stage("llama_gqa_tied", 64);
}

TEST_CASE("every stage with a sliding window of 8, in texts of 64") {
  check_every_stage("mistral_window", 64);
}

TEST_CASE("every stage with Llama 3's RoPE scaling and a head_dim that is not hidden / heads") {
  check_every_stage("llama3_rope", 64);
}

TEST_CASE("every stage that runs mixtures on a random mixture of experts") {
  check_every_stage("mixtral", 64);
}

TEST_CASE("the oracle passes its own check") {
  const Checkpoint checkpoint = Checkpoint::open(testing::model_path("mistral_window"));
  const WholeModelCheck whole(checkpoint);
  SECTION("as it is, with next to no error") {
    const StageReport report = whole.check(oracle_stage_info(), nullptr);
    INFO(to_text(report));
    CHECK(report.passed);
    CHECK(report.percent < 10);  // its logits are rounded to fp32
  }
  SECTION("with the rounding errors that a right fp32 stage may make") {
    const OracleStageVariant rounded{.mistake = nullptr, .rounding = NumberType::f32, .seed = 99};
    const StageReport report = whole.check(oracle_stage_info(rounded), nullptr);
    INFO(to_text(report));
    CHECK(report.passed);
    CHECK(report.percent > 10);
  }
  SECTION("not with those of a type that is too short") {
    for (const NumberType type : {NumberType::f16, NumberType::bf16}) {
      const OracleStageVariant rounded{.mistake = nullptr, .rounding = type, .seed = 99};
      const StageReport report = whole.check(oracle_stage_info(rounded), nullptr);
      INFO(to_text(report));
      CHECK_FALSE(report.passed);
      CHECK_FALSE(report.matched.has_value());
      REQUIRE(report.first_outside.has_value());
      CHECK(report.first_outside->name == "embedding");
    }
  }
}

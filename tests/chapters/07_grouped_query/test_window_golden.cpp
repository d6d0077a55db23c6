// Hugging Face's Mistral with a window of 8 and random weights, on rings: prompts shorter and longer than the window,
// whole and in chunks that straddle it, and what follows a cut.

#include <fstream>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "chapters/07_grouped_query/grouped_stage.h"
#include "core/check/npy.h"
#include "core/checkpoint/checkpoint.h"
#include "tests/catch.h"
#include "tests/goldens/teacher_forced.h"

using namespace rung;
using testing::golden_folder;
using testing::relative_error;

namespace {

constexpr double tolerance = 1e-4;  // as in tests/goldens/hugging_face.cpp

using Tokens = std::vector<std::int32_t>;

struct Golden {
  Checkpoint checkpoint = Checkpoint::open(golden_folder() / "hf" / "mistral_window");
  std::vector<Tokens> prompts =
      nlohmann::json::parse(std::ifstream(golden_folder() / "mistral_prompts" / "prompts.json"))
          .get<std::vector<Tokens>>();
  Matrix logits;  // behind the last token of each prompt, [prompts, V]

  Golden() {
    const NpyArray stored = read_npy(golden_folder() / "mistral_prompts" / "logits.npy");
    const std::vector<double> values = stored.as_double();
    REQUIRE(stored.shape.size() == 2);
    REQUIRE(stored.shape[0] == static_cast<std::int64_t>(prompts.size()));
    logits.resize(stored.shape[0], stored.shape[1]);
    for (std::size_t i = 0; i < values.size(); ++i) logits.data()[i] = static_cast<float>(values[i]);
  }
};

StageOptions ring_of(std::int32_t batch) {
  return {.max_positions = 64, .max_sequences = 2, .max_batch = batch};
}

}  // namespace

TEST_CASE("prompts of 5 to 40 tokens with a window of 8, whole and in chunks, as Hugging Face has them") {
  const Golden golden;
  REQUIRE(golden.prompts.size() >= 12);
  CHECK(golden.prompts.front().size() == 5);
  CHECK(golden.prompts.back().size() == 40);
  // Batches of 40 are the whole text; the others need a ring of 8 to 23 slots.
  for (const std::int32_t batch : {1, 2, 7, 8, 9, 16, 40}) {
    const auto stage = make_grouped(golden.checkpoint, ring_of(batch));
    for (std::size_t i = 0; i < golden.prompts.size(); ++i) {
      const Matrix all = testing::teacher_forced(*stage, golden.prompts[i], batch);
      const double error =
          relative_error(all.bottomRows(1), golden.logits.middleRows(static_cast<Eigen::Index>(i), 1));
      INFO(golden.prompts[i].size() << " tokens in batches of " << batch << ": " << error);
      CHECK(error <= tolerance);
    }
  }
}

TEST_CASE("a text that was cut as deep as its ring allows goes on as Hugging Face has it") {
  const Golden golden;
  for (const std::int32_t batch : {2, 5, 16}) {
    const auto stage = make_grouped(golden.checkpoint, ring_of(batch));
    for (std::size_t i = 0; i < golden.prompts.size(); ++i) {
      const Tokens& prompt = golden.prompts[i];
      const auto all_but_one = static_cast<std::int32_t>(prompt.size()) - 1;
      // All but the last token, then others that are cut off again, then the last.
      for (std::int32_t first = 0; first < all_but_one; first += batch) {
        Batch chunk;
        chunk.add(3, first,
                  std::span(prompt).subspan(static_cast<std::size_t>(first),
                                            static_cast<std::size_t>(std::min(batch, all_but_one - first))),
                  Batch::Logits::none);
        stage->forward(chunk);
      }
      Batch astray;
      astray.add(3, all_but_one, Tokens(static_cast<std::size_t>(batch) - 1, 9), Batch::Logits::none);
      stage->forward(astray);
      stage->sequences().truncate(3, all_but_one);
      Batch last;
      last.add(3, all_but_one, std::span(prompt).last(1), Batch::Logits::last);
      const double error =
          relative_error(stage->forward(last), golden.logits.middleRows(static_cast<Eigen::Index>(i), 1));
      INFO(prompt.size() << " tokens, batches of " << batch << ": " << error);
      CHECK(error <= tolerance);
      stage->sequences().drop(3);
    }
  }
}

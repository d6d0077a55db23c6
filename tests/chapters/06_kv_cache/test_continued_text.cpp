// A sequence that was cut or copied goes on with the very text it would have had otherwise.

#include <memory>
#include <string>
#include <vector>

#include "chapters/05_sampling/continuation.h"
#include "chapters/06_kv_cache/kv_cache_stage.h"
#include "core/error.h"
#include "tests/catch.h"

using Tokens = std::vector<std::int32_t>;

namespace {

// Runs `tokens` behind what sequence `id` remembers and returns 20 greedy tokens.
Tokens go_on(rung::Stage& stage, rung::SequenceId id, const Tokens& tokens) {
  rung::Sampler greedy{rung::SamplerOptions{}};
  Tokens history = tokens;
  return rung::continue_sequence(stage, greedy,
                                 {.sequence = id, .new_tokens = tokens, .count = 20, .stop_tokens = {}},
                                 history, [](std::int32_t) {})
      .tokens;
}

struct Tiny {
  rung::Checkpoint checkpoint = rung::Checkpoint::open(std::string(RUNG_SOURCE_DIR) + "/models/tiny.gguf");
  std::unique_ptr<rung::Stage> stage =
      rung::make_kv_cache(checkpoint, {.max_positions = 64, .max_sequences = 2});
};

const Tokens start{41, 78, 259, 796, 265, 78};
const Tokens next{290};
const Tokens other{500, 3, 77, 41};

}  // namespace

TEST_CASE("a truncated sequence continues with the text of one that was never longer") {
  Tiny plain, cut;
  go_on(*plain.stage, 0, start);
  plain.stage->sequences().truncate(0, 6);
  const Tokens expected = go_on(*plain.stage, 0, next);

  Tokens longer = start;
  longer.insert(longer.end(), other.begin(), other.end());
  const Tokens astray = go_on(*cut.stage, 0, longer);
  cut.stage->sequences().truncate(0, 6);
  CHECK(go_on(*cut.stage, 0, next) == expected);
  CHECK(astray != expected);

  Tiny fresh;  // and of one that saw it all at once
  Tokens whole = start;
  whole.push_back(next[0]);
  CHECK(go_on(*fresh.stage, 0, whole) == expected);
}

TEST_CASE("a fork and its original each continue their own text") {
  Tiny fresh, forked;
  Tokens whole = start;
  whole.push_back(next[0]);
  const Tokens expected = go_on(*fresh.stage, 0, whole);

  go_on(*forked.stage, 0, start);
  forked.stage->sequences().truncate(0, 6);
  forked.stage->sequences().fork(0, 1);
  const Tokens astray = go_on(*forked.stage, 0, other);
  CHECK(go_on(*forked.stage, 1, next) == expected);
  CHECK(astray != expected);
}

TEST_CASE("nothing cannot be continued") {
  Tiny tiny;
  CHECK_THROWS_AS(go_on(*tiny.stage, 0, {}), rung::Error);
}

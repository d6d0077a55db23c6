// What the formulas of the tutorial say is what the stage allocates and counts.

#include <string>

#include "chapters/06_kv_cache/cache_cost.h"
#include "chapters/06_kv_cache/kv_cache_stage.h"
#include "core/checkpoint/checkpoint.h"
#include "core/measure/roofline.h"
#include "tests/catch.h"

using namespace rung;

TEST_CASE("the cost by formula is the cost of the stage") {
  const Checkpoint checkpoint = Checkpoint::open(std::string(RUNG_SOURCE_DIR) + "/models/tiny.gguf");
  const ModelConfig& config = checkpoint.config();
  const CacheShape shape{.layers = config.layers, .heads = config.heads, .head_dim = config.head_dim};
  const auto stage = make_kv_cache(checkpoint, {.max_positions = 24, .max_sequences = 3});

  CHECK(stage->cost().kv_bytes_per_position == position_bytes(shape));
  CHECK(stage->kv_bytes() == cache_bytes(shape, 3, 24));
  CHECK(positions_in(shape, stage->kv_bytes()) == 3 * 24);
  CHECK(positions_in(shape, stage->kv_bytes() - 1) == 3 * 24 - 1);

  StageCost without = stage->cost();
  without.kv_bytes_per_position = 0;
  for (const std::int64_t past : {0, 1, 20}) {
    CHECK(static_cast<double>(step_bytes(shape, past)) ==
          measure::decode_work(stage->cost(), past).bytes - measure::forward_work(without, 1, past, 1).bytes);
  }
}

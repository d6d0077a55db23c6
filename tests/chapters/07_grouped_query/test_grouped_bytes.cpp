// What shared heads, a window and short numbers save, in bytes that were allocated.

#include <string>

#include "chapters/06_kv_cache/kv_cache_stage.h"
#include "chapters/07_grouped_query/grouped_cost.h"
#include "chapters/07_grouped_query/grouped_stage.h"
#include "core/checkpoint/checkpoint.h"
#include "core/error.h"
#include "tests/catch.h"
#include "tests/goldens/teacher_forced.h"
#include "tests/support/models.h"

using namespace rung;

namespace {

constexpr std::int64_t kib = 1024;

}  // namespace

TEST_CASE("the cache is H / G times smaller than the one of chapter 06") {
  for (const std::string name : {"tiny", "llama_mha", "llama_gqa_tied", "llama_mqa", "mistral_full"}) {
    const Checkpoint checkpoint =
        Checkpoint::open(name == "tiny" ? testing::tiny_path() : testing::golden_folder() / "hf" / name);
    const ModelConfig& config = checkpoint.config();
    const StageOptions room{.max_positions = 24, .max_sequences = 3};
    const auto repeated = make_kv_cache(checkpoint, room);
    const auto grouped = make_grouped(checkpoint, room);
    INFO(name << ": H " << config.heads << ", G " << config.kv_heads);
    CHECK(grouped->kv_bytes() * config.heads == repeated->kv_bytes() * config.kv_heads);
    CHECK(grouped->cost().kv_bytes_per_position * config.heads ==
          repeated->cost().kv_bytes_per_position * config.kv_heads);
    CHECK(grouped->weight_bytes() == repeated->weight_bytes());
  }
}

TEST_CASE("the formulas say what the stage allocates") {
  for (const std::string name : {"llama_mqa", "mistral_window"}) {
    const Checkpoint checkpoint = Checkpoint::open(testing::golden_folder() / "hf" / name);
    for (const KvType type : all_kv_types) {
      for (const std::int32_t batch : {1, 5, 40}) {
        const auto stage = make_grouped(
            checkpoint, {.max_positions = 40, .max_sequences = 3, .max_batch = batch, .kv_type = type});
        INFO(name << " as " << rung::name(type) << ", batches of " << batch);
        CHECK(stage->kv_bytes() == kv_lanes_bytes(checkpoint.config(), type, 3, 40, batch));
        CHECK(stage->cost().kv_bytes_per_position == kv_position_bytes(checkpoint.config(), type));
      }
    }
  }
}

TEST_CASE("a window's lane does not grow with the text") {
  const Checkpoint checkpoint = Checkpoint::open(testing::golden_folder() / "hf" / "mistral_window");
  const auto bytes = [&](std::int32_t positions) {
    return make_grouped(checkpoint, {.max_positions = positions, .max_sequences = 1, .max_batch = 5})
        ->kv_bytes();
  };
  CHECK(bytes(64) == bytes(13));
  CHECK(bytes(64) == 12 * kv_position_bytes(checkpoint.config(), KvType::f32));  // W + T_max - 1
}

TEST_CASE("bytes a position of models that people know, in fp16") {
  const auto models = known_models();
  REQUIRE(models.size() == 4);
  CHECK(kv_position_bytes(models[0].config, KvType::f16) == 512 * kib);  // Llama 2 7B
  CHECK(kv_position_bytes(models[1].config, KvType::f16) == 800 * kib);  // Llama 2 13B
  CHECK(kv_position_bytes(models[2].config, KvType::f16) == 128 * kib);  // Mistral 7B
  CHECK(kv_position_bytes(models[3].config, KvType::f16) == 8 * kib);    // Falcon 7B
  for (const KnownModel& model : models)
    CHECK(model.config.head_dim * model.config.heads == model.config.hidden);
}

TEST_CASE("stages that store fp32 alone say so, and rooms that make no sense are refused") {
  const Checkpoint checkpoint = Checkpoint::open(testing::tiny_path());
  StageOptions room{.max_positions = 8, .max_sequences = 1};
  room.kv_type = KvType::f16;
  CHECK_THROWS_AS(make_kv_cache(checkpoint, room), Error);
  CHECK_NOTHROW(make_grouped(checkpoint, room));
  room.max_batch = 9;  // more than there is room for
  CHECK_THROWS_AS(make_grouped(checkpoint, room), Error);
  room.max_batch = -1;
  CHECK_THROWS_AS(make_grouped(checkpoint, room), Error);
}

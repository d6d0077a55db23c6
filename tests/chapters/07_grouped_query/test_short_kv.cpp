// What storing keys and values as fp16 or int8 does to the logits: within what the rounding can do, which is measured
// with the fp64 model, and more than fp32 does.

#include <cmath>
#include <limits>
#include <string>

#include "chapters/07_grouped_query/slot_store.h"
#include "chapters/ladder.h"
#include "core/check/whole_model.h"
#include "core/checkpoint/checkpoint.h"
#include "tests/catch.h"
#include "tests/goldens/teacher_forced.h"
#include "tests/support/models.h"

using namespace rung;

namespace {

check::StageReport check_as(const Checkpoint& checkpoint, KvType type, KvType judged_as) {
  check::WholeModelCheck::Options options;
  options.kv_type = judged_as;
  options.longest_text = 48;
  const check::WholeModelCheck whole(checkpoint, options);
  StageInfo info = find_stage(ladder(), "grouped");
  info.make = [type, make = info.make](const Checkpoint& from, const StageOptions& room) {
    StageOptions other = room;
    other.kv_type = type;
    return make(from, other);
  };
  return whole.check(info, &find_stage(ladder(), "kv_cache"));
}

}  // namespace

TEST_CASE("each type stays within its own budget, and the shorter ones would not in that of fp32") {
  for (const std::string name : {"tiny", "llama_gqa_tied", "mistral_window"}) {
    const Checkpoint checkpoint =
        Checkpoint::open(name == "tiny" ? testing::tiny_path() : testing::golden_folder() / "hf" / name);
    double budget = 0;
    for (const KvType type : all_kv_types) {
      const check::StageReport own = check_as(checkpoint, type, type);
      INFO(check::to_text(own));
      CHECK(own.passed);
      CHECK(own.percent > 1);
      // The effect: fp16 moves logits hundreds of times as far as fp32's rounding, int8 some more.
      CHECK(own.budget > 5 * budget);
      budget = own.budget;
      if (type == KvType::f32) continue;
      const check::StageReport strict = check_as(checkpoint, type, KvType::f32);
      CHECK_FALSE(strict.passed);
      CHECK_FALSE(strict.matched.has_value());  // too coarse is no known mistake
    }
    // int8 is not good enough for fp16's budget.
    CHECK_FALSE(check_as(checkpoint, KvType::i8, KvType::f16).passed);
  }
}

TEST_CASE("a stored number that is not finite does not become one that is") {
  constexpr float infinity = std::numeric_limits<float>::infinity();
  Matrix keys(2, 4);  // two positions, two heads of 2
  keys << 1, infinity, 2, 3, 4, 5, std::numeric_limits<float>::quiet_NaN(), 6;
  for (const KvType type : all_kv_types) {
    const auto store = make_slot_store(type, {.layers = 1, .slots = 4, .heads = 2, .head_dim = 2});
    SequencePlan plan;
    plan.rows = 2;
    store->write(0, plan, keys, keys);
    Matrix scratch;
    const Matrix read = store->values(0, plan, scratch);
    INFO(name(type));
    CHECK_FALSE(std::isfinite(read(0, 1)));
    CHECK(std::isnan(read(1, 2)));
    CHECK(std::abs(read(0, 2) - 2) < 0.02F);  // the heads next to them are not harmed
    CHECK(std::abs(read(1, 0) - 4) < 0.04F);
  }
}

TEST_CASE("the largest of a head does not change its sign where the scale has lost its digits") {
  constexpr float least = std::numeric_limits<float>::denorm_min();
  Matrix keys(1, 2);
  keys << 190 * least,
      -3 * least;  // 190 / 127 rounds to one `least`: the ratio is 190, more than a byte holds
  const auto store = make_slot_store(KvType::i8, {.layers = 1, .slots = 1, .heads = 1, .head_dim = 2});
  SequencePlan plan;
  plan.rows = 1;
  store->write(0, plan, keys, keys);
  Matrix scratch;
  const Matrix read = store->keys(0, plan, scratch);
  CHECK(read(0, 0) == 127 * least);
  CHECK(read(0, 1) == -3 * least);
}

TEST_CASE("copied slots read the same, in every type") {
  Matrix rows = Matrix::Random(3, 8);
  for (const KvType type : all_kv_types) {
    const auto store = make_slot_store(type, {.layers = 2, .slots = 10, .heads = 2, .head_dim = 4});
    SequencePlan from;
    from.rows = 3;
    from.first_slot = 1;
    store->write(1, from, rows, -rows);
    store->copy(1, 6, 3);
    SequencePlan to = from;
    to.first_slot = 6;
    Matrix scratch, other_scratch;
    INFO(name(type));
    CHECK(Matrix(store->keys(1, to, scratch)) == Matrix(store->keys(1, from, other_scratch)));
    CHECK(Matrix(store->values(1, to, scratch)) == -Matrix(store->keys(1, to, other_scratch)));
  }
}

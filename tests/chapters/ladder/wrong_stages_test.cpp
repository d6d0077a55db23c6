// Stages that are right in every single computation and wrong in what they do with sequences, batches and
// traces.

#include <algorithm>
#include <functional>
#include <limits>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "chapters/04_transformer/transformer.h"
#include "chapters/06_kv_cache/flat_kv_store.h"
#include "chapters/06_kv_cache/flat_sequences.h"
#include "chapters/07_grouped_query/grouped_attention.h"
#include "chapters/07_grouped_query/ring.h"
#include "chapters/07_grouped_query/ring_sequences.h"
#include "chapters/ladder.h"
#include "core/check/sequence_mistakes.h"
#include "core/check/whole_model.h"
#include "tests/catch.h"
#include "tests/chapters/ladder/models.h"

namespace {

using namespace rung;
using namespace rung::check;

/// kv_cache with something done wrong around it.
struct Wrong {
  std::function<void(Batch&)> before;                ///< changes the batch
  std::function<void(const Batch&, Matrix&)> after;  ///< changes the logits of a batch
  std::function<void(Stage&, SequenceId)> after_fork, after_truncate;
  std::function<void(Stage&, const Batch&)> after_refusal;
  bool accepts_everything = false;  ///< swallows errors
  bool hides_trace = false;
};

class WrongStage : public Stage, private Sequences {
 public:
  WrongStage(std::unique_ptr<Stage> right, Wrong wrong)
      : right_(std::move(right)), wrong_(std::move(wrong)) {}

  const ModelConfig& config() const override { return right_->config(); }
  Sequences& sequences() override { return *this; }
  Matrix forward(const Batch& batch, Trace* trace) override {
    Matrix logits;
    Batch changed = batch;
    if (wrong_.before) wrong_.before(changed);
    try {
      logits = right_->forward(changed, wrong_.hides_trace ? nullptr : trace);
    } catch (const Error&) {
      if (wrong_.after_refusal) wrong_.after_refusal(*right_, batch);
      if (!wrong_.accepts_everything) throw;
      logits = Matrix::Zero(batch.wanted(), config().vocab);
    }
    if (wrong_.after) wrong_.after(batch, logits);
    return logits;
  }
  StageCost cost() const override { return right_->cost(); }
  std::int64_t weight_bytes() const override { return right_->weight_bytes(); }
  std::int64_t kv_bytes() const override { return right_->kv_bytes(); }

 private:
  std::optional<Plan> reserve(const Batch& batch) override { return right_->sequences().reserve(batch); }
  void commit(const Plan& plan) override { right_->sequences().commit(plan); }
  void abort(const Plan& plan) override { right_->sequences().abort(plan); }
  std::int32_t length(SequenceId sequence) const override { return right_->sequences().length(sequence); }
  void fork(SequenceId from, SequenceId to) override {
    right_->sequences().fork(from, to);
    if (wrong_.after_fork) wrong_.after_fork(*right_, to);
  }
  void truncate(SequenceId sequence, std::int32_t new_length) override {
    right_->sequences().truncate(sequence, new_length);
    if (wrong_.after_truncate) wrong_.after_truncate(*right_, sequence);
  }
  void drop(SequenceId sequence) override { right_->sequences().drop(sequence); }

  std::unique_ptr<Stage> right_;
  Wrong wrong_;
};

/// Another token in the last position that is remembered: what is left when one position too few was copied
/// or cut.
void spoil_last(Stage& stage, SequenceId sequence) {
  const std::int32_t length = stage.sequences().length(sequence);
  if (length == 0) return;
  stage.sequences().truncate(sequence, length - 1);
  Batch batch;
  const std::vector<std::int32_t> token{1};
  batch.add(sequence, length - 1, token, Batch::Logits::none);
  stage.forward(batch);
}

/// The names of what failed.
std::vector<std::string> failures(const Wrong& wrong) {
  const Checkpoint checkpoint = Checkpoint::open(testing::model_path("llama_mha"));
  const WholeModelCheck whole(checkpoint);
  StageInfo info = find_stage(ladder(), "kv_cache");
  info.make = [&wrong, make = info.make](const Checkpoint& from, const StageOptions& options) {
    return std::make_unique<WrongStage>(make(from, options), wrong);
  };
  const StageReport report = whole.check(info, &find_stage(ladder(), "recompute"));
  std::vector<std::string> failed;
  for (const StageVerdict& verdict : report.verdicts) {
    CHECK(verdict.passed == verdict.message.empty());
    if (!verdict.passed) failed.push_back(verdict.name);
  }
  CHECK(report.passed == failed.empty());
  return failed;
}

using Names = std::vector<std::string>;

}  // namespace

TEST_CASE("the wrapper alone changes nothing") {
  CHECK(failures({}) == Names{});
}

TEST_CASE("logits handed to the wrong sequence of a batch") {
  const auto swap = [](const Batch& batch, Matrix& logits) {
    if (batch.rows.front().sequence != batch.rows.back().sequence) {
      logits.row(0).swap(logits.row(logits.rows() - 1));
    }
  };
  Wrong wrong;
  wrong.after = swap;
  CHECK(failures(wrong) == Names{"batch", "fork", "window pieces", "window fork"});
}

TEST_CASE("a stage that answers nothing is no known mistake") {
  const Checkpoint checkpoint = Checkpoint::open(testing::model_path("llama_mha"));
  Wrong wrong;
  wrong.before = [](Batch&) { throw Error(ErrorKind::bad_input, "not written yet"); };
  StageInfo info = find_stage(ladder(), "kv_cache");
  info.make = [&wrong, make = info.make](const Checkpoint& from, const StageOptions& options) {
    return std::make_unique<WrongStage>(make(from, options), wrong);
  };
  const StageReport report = WholeModelCheck(checkpoint).check(info, nullptr);
  CHECK_FALSE(report.passed);
  CHECK(report.verdicts.front().message == "not written yet");
  CHECK_FALSE(report.matched.has_value());
}

TEST_CASE("logits of a batch's first rows, whichever rows want them") {
  Wrong wrong;
  wrong.before = [](Batch& batch) {
    const std::int64_t wanted = batch.wanted();
    for (std::size_t i = 0; i < batch.rows.size(); ++i) {
      batch.rows[i].wants_logits = static_cast<std::int64_t>(i) < wanted;
    }
  };
  CHECK(failures(wrong) == Names{"some rows"});
}

TEST_CASE("a fork that is off by one position") {
  Wrong wrong;
  wrong.after_fork = spoil_last;
  CHECK(failures(wrong) == Names{"fork", "window fork"});
}

TEST_CASE("a truncation that is off by one position") {
  Wrong wrong;
  wrong.after_truncate = spoil_last;
  CHECK(failures(wrong) == Names{"truncate", "window cut", "window refuse"});
}

TEST_CASE("batches that cannot be run are taken") {
  Wrong wrong;
  wrong.accepts_everything = true;
  CHECK(failures(wrong) == Names{"refusals"});
}

TEST_CASE("a refused batch takes an empty sequence with it") {
  Wrong wrong;
  wrong.after_refusal = [](Stage& stage, const Batch& batch) {
    if (batch.rows.front().position == 0) stage.sequences().drop(batch.rows.front().sequence);
  };
  CHECK(failures(wrong) == Names{"refusals"});
}

TEST_CASE("one logit that is not a number") {
  Wrong wrong;
  wrong.after = [](const Batch& batch, Matrix& logits) {
    if (batch.rows.size() == 7 && logits.rows() > 0) logits(0, 0) = std::numeric_limits<float>::quiet_NaN();
  };
  const Names failed = failures(wrong);
  CHECK(std::ranges::count(failed, "chunks of 7") == 1);
}

TEST_CASE("another result the second time") {
  int runs = 0;
  Wrong wrong;
  wrong.after = [&runs](const Batch&, Matrix& logits) {
    logits *= 1.0F + 2e-7F * static_cast<float>(runs++ % 5);
  };
  CHECK(failures(wrong) == Names{"again"});
}

TEST_CASE("a trace that shows nothing") {
  Wrong wrong;
  wrong.hides_trace = true;
  CHECK(failures(wrong) == Names{"trace"});
}

namespace {

/// A cache with something done wrong between the attention and the store. Zeros where nothing was written.
struct WrongCache : public KvStore {
  WrongCache(std::int64_t layers, std::int64_t slots, std::int64_t width) : store(layers, slots + 1, width) {
    const Matrix zeros = Matrix::Zero(slots + 1, width);
    for (int layer = 0; layer < layers; ++layer) {
      store.write(layer, {.rows = static_cast<std::int32_t>(slots + 1)}, zeros, zeros);
    }
  }
  void write(int layer, const SequencePlan& sequence, const ConstMatrixView& keys,
             const ConstMatrixView& values) override {
    SequencePlan there = sequence;
    if (slip == "written_one_slot_late") ++there.first_slot;
    if (slip == "cache_overwritten") there.past = 0;
    store.write(layer, there, keys, slip == "keys_stored_as_values" ? keys : values);
  }
  ConstMatrixView keys(int layer, const SequencePlan& sequence, Matrix& scratch) const override {
    return store.keys(layer, sequence, scratch);
  }
  ConstMatrixView values(int layer, const SequencePlan& sequence, Matrix& scratch) const override {
    return store.values(layer, sequence, scratch);
  }
  std::int64_t bytes() const override { return store.bytes(); }
  std::int64_t bytes_per_position() const override { return store.bytes_per_position(); }

  FlatKvStore store;
  std::string slip;
};

/// kv_cache on it. What an earlier text left in a lane is no known mistake's; but after a failure the check goes on with a
/// stage made anew, whose cache is all zeros.
class WrongCacheStage : public Stage {
 public:
  WrongCacheStage(const Checkpoint& checkpoint, const StageOptions& options, std::string slip)
      : transformer_(checkpoint.config(), plain_parts(checkpoint)),
        cache_(checkpoint.config().layers, std::int64_t{options.max_sequences} * options.max_positions,
               transformer_.parts().attention->stored_width()),
        sequences_(options, cache_.store) {
    cache_.slip = std::move(slip);
  }

  const ModelConfig& config() const override { return transformer_.config(); }
  Sequences& sequences() override { return sequences_; }
  Matrix forward(const Batch& batch, Trace* trace) override {
    return run_reserved(batch, sequences_,
                        [&](const Plan& plan) { return transformer_.forward(batch, plan, cache_, trace); });
  }
  StageCost cost() const override { return {}; }
  std::int64_t weight_bytes() const override { return 0; }
  std::int64_t kv_bytes() const override { return 0; }

 protected:
  Transformer transformer_;
  WrongCache cache_;
  FlatSequences sequences_;
};

}  // namespace

TEST_CASE("a cache that is written wrongly is named") {
  const Checkpoint checkpoint = Checkpoint::open(testing::model_path("llama_gqa_tied"));
  const WholeModelCheck whole(checkpoint);
  for (const std::string slip : {"", "keys_stored_as_values", "written_one_slot_late", "cache_overwritten"}) {
    StageInfo info = find_stage(ladder(), "kv_cache");
    info.make = [&slip](const Checkpoint& from, const StageOptions& room) {
      return std::make_unique<WrongCacheStage>(from, room, slip);
    };
    const StageReport report = whole.check(info, nullptr);
    INFO(slip << "\n" << to_text(report));
    CHECK(report.passed == slip.empty());
    CHECK((report.matched ? report.matched->name : "") == slip);
  }
}

namespace {

/// kv_cache that runs its batches by a known mistake.
class WronglyRun : public WrongCacheStage {
 public:
  WronglyRun(const Checkpoint& checkpoint, const StageOptions& options, const SequenceMistake& mistake)
      : WrongCacheStage(checkpoint, options, ""), mistake_(&mistake) {}
  Matrix forward(const Batch& batch, Trace* trace) override {
    return mistake_->run(batch, sequences_,
                         [&](const Plan& plan) { return transformer_.forward(batch, plan, cache_, trace); });
  }

 private:
  const SequenceMistake* mistake_;
};

}  // namespace

TEST_CASE("every known mistake of what is remembered is rejected by name") {
  const Checkpoint checkpoint = Checkpoint::open(testing::model_path("llama_gqa_tied"));
  const WholeModelCheck whole(checkpoint);
  CHECK(sequence_mistakes().size() >= 3);
  for (const SequenceMistake& mistake : sequence_mistakes()) {
    StageInfo info = find_stage(ladder(), "kv_cache");
    info.make = [&mistake](const Checkpoint& from, const StageOptions& room) {
      return std::make_unique<WronglyRun>(from, room, mistake);
    };
    const StageReport report = whole.check(info, nullptr);
    INFO(mistake.name << "\n" << to_text(report));
    CHECK_FALSE(report.passed);
    CHECK((report.matched ? report.matched->name : "") == mistake.name);
  }
}

TEST_CASE("a stage that only throws matches no mistake") {
  Wrong wrong;
  wrong.after = [](const Batch&, Matrix&) { throw Error(ErrorKind::bad_input, "not written yet"); };
  const Checkpoint checkpoint = Checkpoint::open(testing::model_path("llama_gqa_tied"));
  StageInfo info = find_stage(ladder(), "kv_cache");
  info.make = [&wrong, make = info.make](const Checkpoint& from, const StageOptions& options) {
    return std::make_unique<WrongStage>(make(from, options), wrong);
  };
  const StageReport report = WholeModelCheck(checkpoint).check(info, nullptr);
  CHECK_FALSE(report.passed);
  CHECK_FALSE(report.matched.has_value());
}

namespace {

/// Grouped attention on a ring of another size than was asked for, or with another window.
class WrongRingAttention : public Attention {
 public:
  WrongRingAttention(const ModelConfig& config, std::string slip)
      : right_(config.kv_heads, config.head_dim,
               *config.sliding_window + (slip == "window_one_longer" ? 1 : 0)),
        window_(static_cast<std::int32_t>(*config.sliding_window)),
        slip_(std::move(slip)) {}

  std::int64_t stored_width() const override { return right_.stored_width(); }
  void run(int layer, const ConstMatrixView& q, const ConstMatrixView& k, const ConstMatrixView& v,
           KvStore& store, const Plan& plan, MatrixView out) const override {
    Plan changed = plan;
    for (SequencePlan& sequence : changed.sequences) {
      if (slip_ == "ring_of_window") sequence.ring = window_;
      if (slip_ == "ring_one_too_small") --sequence.ring;
      if (slip_ == "window_one_longer" && sequence.first_visible > 0) --sequence.first_visible;
    }
    right_.run(layer, q, k, v, store, changed, out);
  }

 private:
  GroupedAttention right_;
  std::int32_t window_;
  std::string slip_;
};

class WrongRingStage : public Stage {
 public:
  WrongRingStage(const Checkpoint& checkpoint, const StageOptions& given, const std::string& slip)
      : transformer_(checkpoint.config(), parts(checkpoint, slip)),
        store_(slots(checkpoint.config(), with_defaults(given, checkpoint.config()))),
        sequences_(with_defaults(given, checkpoint.config()), checkpoint.config().sliding_window, *store_) {}

  const ModelConfig& config() const override { return transformer_.config(); }
  Sequences& sequences() override { return sequences_; }
  Matrix forward(const Batch& batch, Trace* trace) override {
    return run_reserved(batch, sequences_,
                        [&](const Plan& plan) { return transformer_.forward(batch, plan, *store_, trace); });
  }
  StageCost cost() const override { return {}; }
  std::int64_t weight_bytes() const override { return 0; }
  std::int64_t kv_bytes() const override { return 0; }

 private:
  static Parts parts(const Checkpoint& checkpoint, const std::string& slip) {
    Parts parts = plain_parts(checkpoint);
    parts.attention = std::make_unique<WrongRingAttention>(checkpoint.config(), slip);
    return parts;
  }
  static std::unique_ptr<SlotStore> slots(const ModelConfig& config, const StageOptions& options) {
    return make_slot_store(
        KvType::f32, {.layers = config.layers,
                      .slots = options.max_sequences *
                               lane_slots(config.sliding_window, options.max_positions, options.max_batch),
                      .heads = config.kv_heads,
                      .head_dim = config.head_dim});
  }

  Transformer transformer_;
  std::unique_ptr<SlotStore> store_;
  RingSequences sequences_;
};

}  // namespace

TEST_CASE("a wrong ring is named, also where it shows only in the longest batches") {
  const Checkpoint checkpoint = Checkpoint::open(testing::model_path("mistral_window"));
  const WholeModelCheck whole(checkpoint);
  for (const std::string slip : {"", "ring_of_window", "ring_one_too_small", "window_one_longer"}) {
    StageInfo info = find_stage(ladder(), "grouped");
    info.make = [&slip](const Checkpoint& from, const StageOptions& room) {
      return std::make_unique<WrongRingStage>(from, room, slip);
    };
    const StageReport report = whole.check(info, nullptr);
    INFO(slip << "\n" << to_text(report));
    CHECK(report.passed == slip.empty());
    CHECK((report.matched ? report.matched->name : "") == slip);
  }
}

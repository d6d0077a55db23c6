#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "core/check/model_reference.h"
#include "core/check/point_watch.h"
#include "core/check/progress.h"
#include "core/check/report.h"
#include "core/stage/stage.h"

namespace rung::check {

/// One thing that was asked of a stage.
struct StageVerdict {
  std::string name;  ///< "chunks of 7"
  std::string what;  ///< what was compared with what, one line
  bool passed = true;
  std::string message;  ///< why not, one line; empty when it passed
  double percent = 0;   ///< of the error budget, at the worst
};

/// How far something moves the logits of the longest text: reported, not judged.
struct LogitShift {
  double rms = 0;   ///< the root of the mean square
  double most = 0;  ///< the largest
};

/// What a stage's own numbers do to the logits, in fp64, where it has other ones than the checkpoint.
struct QuantizationReport {
  double logits_rms =
      0;  ///< of the logits themselves, each less the mean of its position: what to compare with
  /// The stage's weights against the checkpoint's; unset where they are the same.
  std::optional<LogitShift> weights;
  /// Activations rounded to nearest against exact ones, both with the stage's weights; unset where they are not rounded.
  std::optional<LogitShift> activations;
};

/// How a stage did on the whole model.
struct StageReport {
  std::string stage;
  std::filesystem::path model;
  NumberType type = NumberType::f32;
  KvType kv_type = KvType::f32;
  bool passed = true;
  double budget = 0;  ///< of a logit: the least and (below) the most over the texts
  double budget_most = 0;
  double percent = 0;  ///< the largest share of the budget that any logit used
  /// Positions of the texts at which a router's choice hangs on rounding, so that the budget is as large as an expert.
  std::int64_t unsure = 0;
  std::vector<StageVerdict> verdicts;
  /// Where a stage that failed first left the budget of a trace point; unset when no point could be told.
  std::optional<PointShare> first_outside;
  std::optional<MatchedMistake> matched;  ///< the known mistake that gives the same logits
  std::optional<QuantizationReport> quantization;
};

/// The budget measured once per model and number type, and any number of stages held against it: every
/// position's logits against the fp64 oracle's, greedy tokens where the oracle is sure of them, whole prompts
/// against chunks of 1, 7 and 64 tokens, a batch of one sequence against a ragged one of prefills and decode
/// steps, and what follows a fork or a truncation against a sequence that had that text from the start. Then once more as a
/// model with a sliding window of 8, of which a stage need not remember more than a ring of 12 positions: batches up
/// to 5 long that begin anywhere in it, forks, and cuts as deep as may be.
class WholeModelCheck {
 public:
  /// How much is run, and in which type.
  struct Options {
    NumberType type = NumberType::f32;
    KvType kv_type =
        KvType::f32;  ///< what stages store keys and values as; the budget has room for its rounding
    /// What stages compute with in place of a matrix; the oracle and the stage below compute with the same. Empty: the
    /// checkpoint's own numbers. A stage that says itself what it does (StageInfo) needs nothing here.
    std::function<OtherWeights(const Tensor&)> weights = {};
    /// Numbers of a linear layer's input that stages round to int8 together; 0: they do not. The budget has room for it,
    /// and how much too large answers are is judged besides.
    std::int64_t activation_group = 0;
    std::uint64_t seed = 20250101;
    /// At most; shorter where the model's context is, longer where its window needs it.
    std::int64_t longest_text = 97;
    bool stop_at_failure = false;  ///< the first thing that fails, and which mistake it is, is enough
    Progress* progress = nullptr;  ///< hears which check of a stage runs; may be null
  };

  /// Runs the oracle 9 times over four texts of random tokens.
  /// @param checkpoint  must stay open
  WholeModelCheck(const Checkpoint& checkpoint, const Options& options);
  /// With the options as they are.
  explicit WholeModelCheck(const Checkpoint& checkpoint) : WholeModelCheck(checkpoint, Options{}) {}

  /// @param predecessor  the stage below, or null. It is run with the same weights as the stage.
  StageReport check(const StageInfo& stage, const StageInfo* predecessor) const;

  /// The references of the four texts: the first is the longest and keeps its trace points; the last one
  /// starts like the first and then differs.
  const std::vector<ModelReference>& references() const { return references_; }
  /// The model that stages are checked on, with the weights that they compute with.
  const Checkpoint& checkpoint() const { return judged_ ? *judged_ : *checkpoint_; }
  /// What it was made with.
  const Options& options() const { return options_; }
  /// Tokens that the first and the last text have in common.
  std::int32_t common() const { return common_; }

 private:
  QuantizationReport measure_quantization() const;

  const Checkpoint* checkpoint_;
  std::optional<Checkpoint> judged_;  ///< with options.weights, if there are any
  Options options_;
  std::vector<ModelReference> references_;
  std::int32_t common_ = 0;
  Checkpoint window_checkpoint_;
  std::optional<Checkpoint> window_judged_;
  std::vector<ModelReference> window_references_;
  std::int32_t window_common_ = 0;
};

/// A line per verdict, and for a failure the trace point and the known mistake.
std::string to_text(const StageReport& report);
/// The same as a JSON object.
std::string to_json(const StageReport& report);

}  // namespace rung::check

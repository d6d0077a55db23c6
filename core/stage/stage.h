#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "core/checkpoint/checkpoint.h"
#include "core/error.h"
#include "core/stage/batch.h"
#include "core/stage/cost.h"
#include "core/stage/kv_type.h"
#include "core/stage/sequences.h"
#include "core/stage/trace.h"
#include "core/tensor/matrix.h"

namespace rung {

/// One rung of the ladder: a complete transformer that remembers sequences.
class Stage {
 public:
  virtual ~Stage() = default;

  /// The config of the model it was made from.
  virtual const ModelConfig& config() const = 0;
  /// What it remembers. Its caller forks, truncates and drops; forward() itself reserves and commits.
  virtual Sequences& sequences() = 0;

  /// Runs every row of the batch and remembers it.
  /// @return logits of the rows that want them, [batch.wanted(), V]
  /// @throws Error (usage) for a token outside the vocabulary or positions that do not fit; Error (full) when
  ///         there is no room. Then no sequence has changed.
  virtual Matrix forward(const Batch& batch, Trace* trace = nullptr) = 0;

  /// Bytes it moves and FLOPs it computes, for measuring; all 0 for a stage that nobody times.
  virtual StageCost cost() const = 0;
  virtual std::int64_t weight_bytes() const = 0;  ///< memory that weights take
  virtual std::int64_t kv_bytes() const = 0;      ///< memory allocated for keys and values
};

/// What the caller of a stage decides.
struct StageOptions {
  std::int32_t max_positions = 0;  ///< the longest a sequence can get; 0: config().context
  std::int32_t max_sequences = 4;  ///< how many can be remembered at a time
  /// T_max: the most rows of one sequence in a batch; 0: max_positions. A stage that keeps no more than a sliding
  /// window sees takes room for so many besides, and refuses longer batches; others take them.
  std::int32_t max_batch = 0;
  KvType kv_type = KvType::f32;  ///< what remembered keys and values are stored as
};

/// `options` with 0 replaced.
/// @param kv_types  that the stage can store
/// @throws Error (usage) when they ask for more than the model's context, for nothing, or for another kv_type
StageOptions with_defaults(StageOptions options, const ModelConfig& config,
                           std::span<const KvType> kv_types = only_f32);

/// The three steps of a batch: reserves it, runs it, and commits it, or aborts it when `run` throws.
/// @param run  from the plan to the logits
/// @throws Error (full), saying which sequence and what to do, when there is no room, and what `run` throws
Matrix run_reserved(const Batch& batch, Sequences& sequences, const std::function<Matrix(const Plan&)>& run);

/// One row of the ladder.
struct StageInfo {
  std::string name;  ///< "kv_cache"
  int chapter = 0;
  std::string what_is_new;      ///< one line
  std::string checked_against;  ///< the stage below; empty for the first, which only the fp64 oracle checks
  /// Loads the stage. The checkpoint may be closed afterwards only if the stage says so in its own
  /// documentation; keep it open.
  std::function<std::unique_ptr<Stage>(const Checkpoint&, const StageOptions&)> make;
  std::vector<KvType> kv_types = {KvType::f32};  ///< what it can store keys and values as
  /// What the stage computes with in place of a matrix of the checkpoint: what it is judged by. Empty: with the
  /// checkpoint's own numbers.
  std::function<OtherWeights(const Tensor&)> weights = {};
  /// The inputs of linear layers are rounded to int8 in groups of so many numbers, which share a scale: the largest
  /// magnitude over 127. 0: they are not.
  std::int64_t activation_group = 0;
  bool mixtures = false;  ///< runs mixtures of experts, besides dense models
};

/// Whether the stage runs models of that config.
inline bool runs(const StageInfo& stage, const ModelConfig& config) {
  return stage.mixtures || !config.mixture;
}

/// The stage of the ladder that `stage` is checked against, where there is one and it runs models of that config; else
/// null.
const StageInfo* predecessor(const std::vector<StageInfo>& ladder, const StageInfo& stage,
                             const ModelConfig& config);

/// The stage of that name.
/// @throws Error (usage) listing the names there are
const StageInfo& find_stage(const std::vector<StageInfo>& ladder, const std::string& name);

}  // namespace rung

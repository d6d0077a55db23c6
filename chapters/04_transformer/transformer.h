#pragma once

#include <vector>

#include "chapters/04_transformer/parts.h"
#include "core/stage/batch.h"
#include "core/stage/cost.h"
#include "core/stage/kv_store.h"
#include "core/stage/plan.h"
#include "core/stage/trace.h"

namespace rung {

struct Rotations;

/// The skeleton: how the parts make a transformer. Written once; stages differ in the parts they put in and
/// in what they do with keys and values, and in nothing else.
class Transformer {
 public:
  /// @param parts  of the sizes that `config` says
  Transformer(ModelConfig config, Parts parts);

  /// The model's dimensions and options.
  const ModelConfig& config() const { return config_; }
  /// What it is made of.
  const Parts& parts() const { return parts_; }

  /// Runs all rows of a batch through all layers.
  /// @param plan   says where each sequence's keys and values are in `store`
  /// @param trace  sees the activations; may be null
  /// @return logits of the rows that want them, [batch.wanted(), V]
  /// @throws Error (usage) for a token outside the vocabulary
  Matrix forward(const Batch& batch, const Plan& plan, KvStore& store, Trace* trace) const;

  /// Counted from the parts, with kv_bytes_per_position 0: the bytes of keys and values are the store's to
  /// know.
  StageCost cost() const;
  /// Memory of all weights; a tied output matrix counts once.
  std::int64_t weight_bytes() const;

 private:
  void attend(int layer, const Plan& plan, const Rotations& rotations, KvStore& store, Matrix& x,
              Trace* trace) const;
  void feed_forward(int layer, Matrix& x, Trace* trace) const;

  ModelConfig config_;
  Parts parts_;
  std::vector<double> frequencies_;  ///< [D/2]
};

}  // namespace rung

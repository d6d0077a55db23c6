#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/checkpoint/checkpoint.h"
#include "core/oracle/transformer.h"

namespace rung::check {

/// A text, and the pieces in which a model got it.
struct Feeding {
  std::vector<std::int32_t> tokens;
  std::vector<std::int64_t> starts;  ///< the first position of every batch that had a part of it, from 0 up
  /// The most positions that a batch may bring, where the model keeps no more than its window; 0: it keeps all.
  std::int64_t max_batch = 0;

  /// First position of the batch that `position` came with.
  std::int64_t batch_start(std::int64_t position) const;
  /// First position of the batch after it; the text's length for the last.
  std::int64_t batch_end(std::int64_t position) const;
};

/// What a wrong variant can look at when it replaces an activation.
struct Scene {
  const ModelConfig& config;
  const Feeding& feeding;
  /// The activations before this one as the wrong model has them, under their names without "layers.N.":
  /// those of this layer, and where it has none yet, of the one before.
  const std::map<std::string, oracle::Grid, std::less<>>& seen;
  const oracle::Transformer& transformer;  ///< the wrong model, for products with its matrices
  std::string layer;                       ///< "layers.3.", or nothing outside of layers

  /// The values at a point that is in `seen`.
  const oracle::Grid& at(std::string_view point) const { return seen.find(point)->second; }
};

/// A wrong transformer that people really write: the fp64 one with a misread config, or with some activations
/// replaced.
struct ModelMistake {
  std::string name;      ///< "rope_interleaved"
  std::string sentence;  ///< what was done, and what is right
  int chapter = 0;       ///< that teaches it
  /// Whether it makes a difference for models of this config; empty means always.
  std::function<bool(const ModelConfig&)> applies = {};
  std::function<void(ModelConfig&)> misread = {};  ///< may be empty
  /// Replaces the values of the trace point (its name without "layers.N.") where it is wrong; may be empty.
  std::function<void(std::string_view point, oracle::Grid& values, const Scene& scene)> replace = {};
  /// Block types whose rows `reread` decodes wrongly; empty: weights are read rightly.
  std::vector<DType> types = {};
  /// Decodes whole blocks wrongly, as many as decode() would (BlockMistake).
  std::function<void(DType type, std::span<const std::byte> row, std::span<float> out)> reread = {};
};

/// The catalogue.
const std::vector<ModelMistake>& model_mistakes();
/// The catalogue of stages that multiply whole numbers: with it a stage is compared whose activations are rounded.
const std::vector<ModelMistake>& integer_mistakes();
/// The mistake of that name out of model_mistakes().
/// @throws Error (usage) listing the names there are
const ModelMistake& find_model_mistake(std::string_view name);

/// Whether the mistake makes a difference for models of this config.
bool applies(const ModelMistake& mistake, const ModelConfig& config);
/// Whether it makes a difference for models of this config with weights of these types.
bool applies(const ModelMistake& mistake, const Checkpoint& checkpoint);

/// The transformer with the mistake's config, and the hook that makes its other errors. Both must outlive the
/// call they are used for; `feeding` too.
oracle::Transformer mistaken_transformer(const Checkpoint& checkpoint, const ModelMistake& mistake);
/// The hook that goes with mistaken_transformer().
oracle::Hook mistaken_hook(const ModelMistake& mistake, const oracle::Transformer& transformer,
                           const Feeding& feeding);

/// First one hook, then the other.
oracle::Hook chain(oracle::Hook first, oracle::Hook second);

}  // namespace rung::check

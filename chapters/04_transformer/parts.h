#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "chapters/02_tensors/embedding.h"
#include "chapters/02_tensors/linear.h"
#include "chapters/03_attention/attention.h"
#include "chapters/04_transformer/feed_forward.h"
#include "core/checkpoint/checkpoint.h"
#include "core/tensor/matrix.h"

namespace rung {

// [parts]
/// The weights of one layer.
struct Block {
  Vector attention_norm;  ///< [hidden]
  std::unique_ptr<Linear> q, k, v, o;
  Vector feed_forward_norm;  ///< [hidden]
  std::unique_ptr<FeedForward> feed_forward;
};

/// All that a transformer is made of. A later stage replaces some of these and keeps the rest.
struct Parts {
  std::unique_ptr<Embedding> embedding;
  std::vector<Block> blocks;
  std::unique_ptr<Attention> attention;
  Vector norm;  ///< [hidden]
  std::unique_ptr<Linear> output;
  bool tied = false;  ///< output shares its memory with the embedding
};
// [parts]

/// Makes the parts that hold weights. `linear` is given the embedding's tensor once more where the output
/// matrix is tied to it, after `embedding` was.
struct MatrixParts {
  std::function<std::unique_ptr<Embedding>(const Tensor&)> embedding;
  std::function<std::unique_ptr<Linear>(const Tensor&)> linear;
  /// What follows attention in a layer. Unset: SwiGlu of three such linear parts, which a mixture of experts is not.
  std::function<std::unique_ptr<FeedForward>(std::int64_t layer)> feed_forward = {};
};

/// The parts of a checkpoint with its matrices as `matrices` holds them; the others in their plainest form.
/// @throws Error (unsupported) for a mixture of experts without `matrices.feed_forward`; Error (bad_input) naming file
///         and tensor where a norm's weight is not finite; and what `matrices` throw
Parts parts_of(const Checkpoint& checkpoint, const MatrixParts& matrices);

/// Every part in its plainest form: dense fp32 weights, SwiGLU, key/value heads repeated to all query heads.
/// The parts own their numbers: the checkpoint may be closed afterwards.
/// @throws Error (bad_input) naming file and tensor where a weight is not finite
Parts plain_parts(const Checkpoint& checkpoint);

}  // namespace rung

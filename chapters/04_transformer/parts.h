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

struct MatrixParts;

/// Makes what follows attention in a layer, of matrices held as `matrices` hold them.
using MakeFeedForward = std::function<std::unique_ptr<FeedForward>(
    const Checkpoint& checkpoint, std::int64_t layer, const MatrixParts& matrices)>;

/// Makes the parts that hold a matrix of weights. `linear` is given the embedding's tensor once more where the output
/// matrix is tied to it, after `embedding` was.
struct MatrixParts {
  std::function<std::unique_ptr<Embedding>(const Tensor&)> embedding;
  std::function<std::unique_ptr<Linear>(const Tensor&)> linear;
};

/// The parts of a checkpoint with its matrices as `matrices` holds them; the others in their plainest form.
/// @param feed_forward  empty: SwiGlu, which a mixture of experts is not
/// @throws Error (unsupported) for a mixture of experts without `feed_forward`; Error (bad_input) naming file and tensor
///         where a norm's weight is not finite; and what `matrices` and `feed_forward` throw
Parts parts_of(const Checkpoint& checkpoint, const MatrixParts& matrices,
               const MakeFeedForward& feed_forward = {});

/// Every part in its plainest form: dense fp32 weights, SwiGLU, key/value heads repeated to all query heads.
/// The parts own their numbers: the checkpoint may be closed afterwards.
/// @param feed_forward  as in parts_of()
/// @throws Error (unsupported) as parts_of(); Error (bad_input) naming file and tensor where a weight is not finite
Parts plain_parts(const Checkpoint& checkpoint, const MakeFeedForward& feed_forward = {});

}  // namespace rung

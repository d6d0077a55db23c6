#pragma once

#include <memory>

#include "chapters/04_transformer/parts.h"
#include "chapters/08_quantization/block_matrix.h"
#include "core/stage/stage.h"

namespace rung {

/// Stages `int8` and `int4`: `grouped` with matrices that stay blocks, the embedding among them. What they hold each
/// stored type as is told at type_in_stage(). They read the mapped file as they run, so the checkpoint must stay open.
/// @throws Error (usage) for more room than the model was made for, or none; Error (bad_input) naming file
///         and tensor where a weight is not finite, or too large for the blocks that are made of it
std::unique_ptr<Stage> make_int8(const Checkpoint& checkpoint, const StageOptions& options);
/// The same with 4 bits and a little more per weight.
std::unique_ptr<Stage> make_int4(const Checkpoint& checkpoint, const StageOptions& options);

/// The parts of a checkpoint with its matrices as blocks, and the embedding's too. The checkpoint must stay open.
/// @param feed_forward  what follows attention in a layer, of such matrices; empty: SwiGlu
/// @throws Error (bad_input) as make_int8(), and what parts_of() throws
Parts block_parts(const Checkpoint& checkpoint, IntegerWeights weights,
                  const MakeFeedForward& feed_forward = {});

/// What the stages compute with in place of a matrix, for the harness: nothing where the file's own blocks are used; blocks
/// made from them; and fp32 numbers of such blocks where a row is no whole number of blocks.
OtherWeights int8_weights(const Tensor& tensor);
/// The same of `int4`.
OtherWeights int4_weights(const Tensor& tensor);

}  // namespace rung

#pragma once

#include <memory>

#include "chapters/04_transformer/parts.h"
#include "core/stage/stage.h"

namespace rung {

/// Stage `recompute`: remembers only the tokens of each sequence, and runs all of them again at every step.
/// Keys and values live as long as one layer of one step. The simplest thing that is right, and what the
/// stages with a cache are checked against. Its trace sees the rows of the whole history, not only the
/// batch's. The checkpoint may be closed afterwards.
/// @throws Error (usage) for more room than the model was made for, or none; Error (bad_input) naming file
///         and tensor where a weight is not finite
std::unique_ptr<Stage> make_recompute(const Checkpoint& checkpoint, const StageOptions& options);

}  // namespace rung

#pragma once

#include <memory>

#include "core/stage/stage.h"

namespace rung {

/// Stage `kv_cache`: keys and values of every position are computed once and kept, so that a step runs only
/// its new rows. The checkpoint may be closed afterwards.
/// @throws Error (usage) for more room than the model was made for, or none; Error (bad_input) naming file
///         and tensor where a weight is not finite
std::unique_ptr<Stage> make_kv_cache(const Checkpoint& checkpoint, const StageOptions& options);

}  // namespace rung

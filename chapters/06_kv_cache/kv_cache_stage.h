#pragma once

#include <memory>

#include "core/stage/stage.h"

namespace rung {

/// Stage `kv_cache`: keys and values of every position are computed once and kept, so that a step runs only
/// its new rows. The checkpoint may be closed afterwards.
std::unique_ptr<Stage> make_kv_cache(const Checkpoint& checkpoint, const StageOptions& options);

}  // namespace rung

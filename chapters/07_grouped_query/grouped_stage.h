#pragma once

#include <memory>

#include "core/stage/stage.h"

namespace rung {

/// Stage `grouped`: query heads share key/value heads, and no more is remembered than their G heads and the model's
/// window need; as fp32, fp16 or int8. The checkpoint may be closed afterwards.
/// @throws Error (usage) for more room than the model was made for, or none; Error (bad_input) naming file
///         and tensor where a weight is not finite
std::unique_ptr<Stage> make_grouped(const Checkpoint& checkpoint, const StageOptions& options);

}  // namespace rung

#pragma once

#include <memory>

#include "chapters/04_transformer/parts.h"
#include "core/stage/stage.h"

namespace rung {

/// Stage `grouped`: query heads share key/value heads, and no more is remembered than their G heads and the model's
/// window need; as fp32, fp16 or int8. The checkpoint may be closed afterwards.
/// @throws Error (usage) for more room than the model was made for, or none; Error (bad_input) naming file
///         and tensor where a weight is not finite
std::unique_ptr<Stage> make_grouped(const Checkpoint& checkpoint, const StageOptions& options);

/// The same of parts whose matrices are held in another way; their attention is replaced.
/// @throws Error (usage) as make_grouped()
std::unique_ptr<Stage> grouped_stage_of(const ModelConfig& config, Parts parts, const StageOptions& options);

}  // namespace rung

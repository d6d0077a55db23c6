#pragma once

#include <memory>

#include "chapters/09_mixture_of_experts/mixture.h"
#include "core/stage/stage.h"

namespace rung {

/// Stage `moe`: `grouped` with a mixture of experts behind attention, fp32. A dense model runs as in `grouped`. The
/// checkpoint may be closed afterwards.
/// @param dispatch  how rows get to their experts; the numbers are the same
/// @throws Error (usage) for more room than the model was made for, or none; Error (bad_input) naming file and tensor
///         where a weight is not finite
std::unique_ptr<Stage> make_moe_by(Dispatch dispatch, const Checkpoint& checkpoint,
                                   const StageOptions& options);
/// The same with the rows sorted by expert once (Dispatch::segments).
std::unique_ptr<Stage> make_moe(const Checkpoint& checkpoint, const StageOptions& options);

/// Stage `moe_int4`: `int4` with a mixture of experts, whose matrices stay blocks of 4 bits and are multiplied from these.
/// Routers are as large as a sliver of one expert, and a choice that changes changes everything behind it: they stay fp32.
/// The checkpoint must stay open.
/// @throws Error as make_moe(), and where a weight is too large for blocks
std::unique_ptr<Stage> make_moe_int4(const Checkpoint& checkpoint, const StageOptions& options);

/// What `moe_int4` computes with in place of a matrix, for the harness: what `int4` does, but for routers.
OtherWeights moe_int4_weights(const Tensor& tensor);

}  // namespace rung

#pragma once

#include <optional>
#include <span>

#include "core/check/model_reference.h"
#include "core/check/model_scenarios.h"
#include "core/check/report.h"
#include "core/checkpoint/checkpoint.h"

namespace rung::check {

/// The known mistake whose logits are the candidate's: the wrong transformer is fed as the candidate was. It
/// must explain all but 1 % of what the candidate is off, or all but the budget where that is more; of
/// several, the closest is named.
/// @param answers     of a scenario that failed; none, and so no mistake, where it ended with an error
/// @param references  of the texts
std::optional<MatchedMistake> match_model_mistake(const Checkpoint& checkpoint,
                                                  std::span<const TextAnswer> answers,
                                                  std::span<const ModelReference> references);

}  // namespace rung::check

#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "core/check/op.h"
#include "core/check/report.h"

namespace rung::check {

/// The known mistake that explains a failed candidate: on every case its results are within the element bound
/// around what the mistake gives in fp64 (not a number where the mistake gives none), and they are closer to
/// it than to the oracle's. The closest, when several fit.
/// @param results     per case; empty where there are none
/// @param references  per case
std::optional<MatchedMistake> match_mistake(const Op& op, std::span<const Case> cases,
                                            std::span<const Values> results,
                                            std::span<const std::vector<Reference>> references);

}  // namespace rung::check

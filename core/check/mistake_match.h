#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "core/check/op.h"
#include "core/check/report.h"

namespace rung::check {

/// The known mistake that explains a failed candidate: on every case its results are within budget of what
/// the mistake gives in fp64 (and not finite where that is not), or the mistake explains all but a hundredth
/// of their squared deviation from the oracle; and over all cases they are closer to it than to the oracle.
/// The closest, when several fit.
/// @param results     per case; empty where there are none
/// @param references  per case
std::optional<MatchedMistake> match_mistake(const Op& op, std::span<const Case> cases,
                                            std::span<const Values> results,
                                            std::span<const std::vector<Reference>> references);

}  // namespace rung::check

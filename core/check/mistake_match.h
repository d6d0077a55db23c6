#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "core/check/op.h"
#include "core/check/report.h"

namespace rung::check {

/// What a candidate gave on one case, and whether its numbers are outside the budget there.
struct Evidence {
  Case problem;
  Values results;  ///< empty where there are none
  std::vector<Reference> references;
  bool deviates = false;
};

/// The known mistake that explains a failed candidate: on every case its results are within budget of what
/// the mistake gives in fp64 (and not finite exactly where that is not), or the mistake explains all but a hundredth
/// of their squared deviation from the oracle; and over the cases that deviate they are closer to it than to
/// the oracle. Numbers that the mistake leaves to chance are not compared, but a case that it surely gets
/// wrong must be wrong. The closest, when several fit; none, when no case deviates: right numbers show no
/// mistake, whatever else is wrong.
std::optional<MatchedMistake> match_mistake(const Op& op, std::span<const Evidence> all);

}  // namespace rung::check

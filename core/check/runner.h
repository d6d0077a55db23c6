#pragma once

#include <string>

#include "core/check/candidate.h"
#include "core/check/case.h"

namespace rung::check {

/// What came out of a candidate, and whether it kept to its own memory.
struct RunResult {
  Values outputs;         ///< empty when the candidate threw
  std::string problem;    ///< one line; empty when nothing is wrong
  bool supported = true;  ///< false: the candidate does not do this case, and nothing else is known
  bool added_to = false;  ///< the numbers that are still NaN were not left alone but added to
};

/// Calls the candidate twice on guarded memory (rule 1 of the standard): inputs and outputs stand between
/// guard bands and every output starts as NaN. Looks for writes outside an output, changed inputs, numbers
/// never written, or added to (they change when what the output holds before does), and a second run that gives other bits. All guards are NaN too, so what is read past an
/// input's end shows.
/// @param deterministic  whether a second run must give the same bits
RunResult run_guarded(const Candidate& candidate, const Case& problem, bool deterministic = true);

}  // namespace rung::check

#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "core/check/candidate.h"
#include "core/check/drawn_problems.h"
#include "core/check/op.h"
#include "core/check/progress.h"
#include "core/check/report.h"

namespace rung::check {

/// Judges `candidate` by the whole standard: structural probes, then every case of the op at `type` drawn
/// from `seed`; after a failure, looks for the known mistake that explains it.
/// Cases that the candidate does not do are left out, and counted in the report.
/// @param progress  hears which case runs; may be null
/// @throws Error (usage) when the candidate cannot be called with `type`, (bad_input) when it does not do a
/// single drawn problem
Report check(const Op& op, NumberType type, const Candidate& candidate, std::uint64_t seed = default_seed,
             Progress* progress = nullptr);

/// The same on problems that other candidates are judged on, too: what they are held against is computed once.
Report check(const DrawnProblems& problems, const Candidate& candidate, Progress* progress = nullptr);

/// Mistakes that any op can have and that show in memory, not in numbers; check() names them too.
const std::vector<MatchedMistake>& memory_mistakes();

/// The structural probes alone (rule 2 of the standard), with what the runner sees of integrity.
std::vector<CaseVerdict> check_probes(const Op& op, NumberType type, const Candidate& candidate);

/// Everything that check() will call the candidate with, in order: the problems of the probes, then the
/// cases. What `./rung cases` writes for kernels that are run elsewhere.
std::vector<Case> all_cases(const Op& op, NumberType type, std::uint64_t seed = default_seed);

}  // namespace rung::check

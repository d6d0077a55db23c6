#pragma once

#include <vector>

#include "core/check/candidate.h"
#include "core/check/function_check.h"

namespace rung {

/// The ops as the chapters teach them, fp32, to be judged like everybody else's kernels.
std::vector<check::Candidate> chapter_candidates();

/// And the functions that work on no arrays, each with its check.
std::vector<check::JudgedFunction> chapter_functions();

}  // namespace rung

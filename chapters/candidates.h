#pragma once

#include <vector>

#include "core/check/candidate.h"

namespace rung {

/// The ops as the chapters teach them, fp32, to be judged like everybody else's kernels.
std::vector<check::Candidate> chapter_candidates();

}  // namespace rung

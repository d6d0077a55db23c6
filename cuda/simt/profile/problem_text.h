#pragma once

#include "cuda/simt/profile/memory_checker.h"
#include "cuda/simt/profile/profile.h"
#include "cuda/simt/profile/source_lines.h"

namespace rung::simt::profiling {

/// A finding of a launch, with names for its places and a sentence. The lines must have been looked up.
Problem name_problem(const Finding& finding, const KernelProfile& kernel, const SourceLines& lines);

}  // namespace rung::simt::profiling

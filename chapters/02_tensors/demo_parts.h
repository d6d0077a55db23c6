#pragma once

#include <vector>

#include "core/demo/demo.h"

namespace rung {

/// Formats, memory, and a product by hand: how a model's numbers lie there.
std::vector<DemoPart> memory_parts();
/// Counts, times and limits: how fast a machine can be with them.
std::vector<DemoPart> speed_parts();

}  // namespace rung

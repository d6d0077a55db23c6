#pragma once

#include <vector>

#include "core/stage/stage.h"

namespace rung {

/// All stages, lowest rung first: the course in one table. A stage added here gets its test, its benchmark
/// and its row of `./rung ladder`.
const std::vector<StageInfo>& ladder();

}  // namespace rung

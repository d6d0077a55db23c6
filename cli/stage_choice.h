#pragma once

#include <string>
#include <string_view>

#include "core/stage/stage.h"

namespace rung {

/// The fp64 transformer stands for a stage where commands compare.
inline constexpr std::string_view oracle_name = "oracle";

/// The stage of the ladder, or the oracle, of that name.
/// @param argument  the argument's name, for the error
/// @throws Error (usage) listing the names there are
const StageInfo& choose_stage(const std::string& name, std::string_view argument);

}  // namespace rung

#pragma once

#include <string>
#include <vector>

#include "core/check/number_type.h"

namespace rung {

/// What --dtype asks for: one type, or all for "".
/// @throws Error (usage) for a name that is none of them
std::vector<check::NumberType> wanted_types(const std::string& name);

}  // namespace rung

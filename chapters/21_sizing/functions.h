#pragma once

#include <vector>

#include "core/check/function_check.h"

namespace rung {

/// The functions of chapter 21, each with its check.
std::vector<check::JudgedFunction> sizing_functions();

}  // namespace rung

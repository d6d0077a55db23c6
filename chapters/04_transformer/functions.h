#pragma once

#include <vector>

#include "core/check/function_check.h"

namespace rung {

/// Chapter 04's functions, each with its check, for `./rung check` and the exercises.
std::vector<check::JudgedFunction> transformer_functions();

}  // namespace rung

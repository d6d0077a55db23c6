#pragma once

#include <vector>

#include "core/check/function_check.h"

namespace rung {

/// Chapter 02's functions, each with its check, for `./rung check` and the exercises.
std::vector<check::JudgedFunction> tensors_functions();

}  // namespace rung

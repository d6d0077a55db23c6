#pragma once

#include <vector>

#include "core/check/function_check.h"

namespace rung {

/// Chapter 08's functions, each with its check, for `./rung check` and the exercises.
std::vector<check::JudgedFunction> quantization_functions();

}  // namespace rung

#pragma once

#include <vector>

#include "core/check/function_check.h"

namespace rung {

/// The functions of chapter 09, each with its check.
std::vector<check::JudgedFunction> mixture_functions();

}  // namespace rung

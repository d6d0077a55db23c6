#pragma once

#include <vector>

#include "core/check/function_check.h"

namespace rung {

/// The functions of chapter 07, each with its check.
std::vector<check::JudgedFunction> grouped_functions();

}  // namespace rung

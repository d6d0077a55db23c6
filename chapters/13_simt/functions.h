#pragma once

#include <vector>

#include "core/check/function_check.h"

namespace rung {

/// The functions and small kernels of chapter 13, each with its check.
std::vector<check::JudgedFunction> simt_functions();

}  // namespace rung

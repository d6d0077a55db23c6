#pragma once

#include <vector>

#include "core/check/function_check.h"

namespace rung {

/// The functions and small kernels of chapter 15, each with its check.
std::vector<check::JudgedFunction> flash_attention_functions();

}  // namespace rung

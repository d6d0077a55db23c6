#pragma once

#include <string>

#include "core/tensor/dtype.h"

namespace rung {

/// What such an option may say, for people: "q8_0, q6_k, …".
std::string weight_type_names();

/// The type of that name, whatever its case.
/// @param option  that asked for it, for errors
/// @throws Error (usage) listing the types there are
DType find_weight_type(const std::string& name, const std::string& option = "--type");

}  // namespace rung

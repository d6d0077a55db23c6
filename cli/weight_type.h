#pragma once

#include <string>

#include "core/tensor/dtype.h"

namespace rung {

/// What --type may say, for people: "q8_0, q6_k, …".
std::string weight_type_names();

/// The type of that name, whatever its case.
/// @throws Error (usage) listing the types there are
DType find_weight_type(const std::string& name);

}  // namespace rung

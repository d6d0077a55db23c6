#pragma once

#include "chapters/21_sizing/plan.h"
#include "core/checkpoint/checkpoint.h"

namespace rung {

/// A model as a file or directory holds it, each tensor in its own type.
/// @param name  what people call it
WeightedModel stored_model(const Checkpoint& checkpoint, const std::string& name);

}  // namespace rung

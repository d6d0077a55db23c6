#pragma once

#include "core/checkpoint/bind_tensors.h"

namespace rung {

/// ggml's names for a `llama`. Its converters permute the rows of q and k, so that pairs to be rotated stand next to
/// each other. Experts are stacked; converters of before 2024-04 wrote each alone.
TensorNaming gguf_naming();

}  // namespace rung

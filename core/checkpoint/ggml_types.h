#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "core/tensor/dtype.h"

namespace rung {

/// The type of that number in a GGUF file's list of tensors (ggml.h, enum ggml_type); nothing for those that
/// this project does not know.
std::optional<DType> dtype_of_ggml(std::uint32_t ggml_type);

/// The number that a GGUF file has for a type.
std::uint32_t ggml_number(DType dtype);

/// "IQ2_XS": the name of a type that this project does not know, or "number 77" where nobody does.
std::string ggml_type_name(std::uint32_t ggml_type);

}  // namespace rung

#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace rung {

/// Extents of a tensor, slowest first: a weight is [out, in], activations are [tokens, hidden].
using Shape = std::vector<std::int64_t>;

/// Product of the extents; 1 for a scalar. The extents must have been checked not to overflow (loaders do).
std::int64_t elements(const Shape& shape);

/// "[576, 1536]".
std::string to_string(const Shape& shape);

}  // namespace rung

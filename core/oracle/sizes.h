#pragma once

#include <cstddef>
#include <string_view>

#include "core/tensor/shape.h"

namespace rung::oracle {

/// @throws Error (usage) naming op and argument unless `found` is the number of elements of `shape`
void require_size(std::string_view op, std::string_view argument, std::size_t found, const Shape& shape);

}  // namespace rung::oracle

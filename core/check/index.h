#pragma once

#include <cstddef>
#include <string>

#include "core/check/op.h"

namespace rung::check {

/// The indices of element `flat` of a row-major shape.
Shape index_of(const Shape& shape, std::size_t flat);

/// "[m=32,n=0]", with the op's names of the axes.
std::string locate(const Op& op, const Case& problem, std::size_t output, const Shape& index);
/// The same for the element at `flat` of the row-major shape.
std::string locate(const Op& op, const Case& problem, std::size_t output, std::size_t flat);

}  // namespace rung::check

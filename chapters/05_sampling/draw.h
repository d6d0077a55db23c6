#pragma once

#include <cstdint>

#include "chapters/05_sampling/distribution.h"
#include "chapters/05_sampling/random.h"

namespace rung {

/// Draws one token with one uniform number: the first whose cumulative probability exceeds it. Where rounding
/// left the sum of all below the number: the last that has any probability.
/// @param from  not empty
std::int32_t draw(const Distribution& from, Random& random);

}  // namespace rung

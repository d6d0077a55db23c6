#pragma once

#include <cstdint>

#include "chapters/05_sampling/distribution.h"

namespace rung {

/// Keeps the k likeliest; all when there are fewer. k >= 1.
Distribution top_k(Distribution from, std::int64_t k);

/// Keeps the fewest of the likeliest that together have probability p or more ("nucleus"); always at least
/// one. Source: Holtzman et al., arXiv:1904.09751, section 3.1.
/// @param p  in (0, 1]
Distribution top_p(Distribution from, double p);

/// Keeps those at least `share` times as likely as the likeliest. Source: Nguyen et al., arXiv:2407.01082.
/// @param share  in [0, 1]
Distribution min_p(Distribution from, double share);

}  // namespace rung

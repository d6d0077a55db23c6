#pragma once

#include <array>

#include "chapters/04_transformer/feed_forward.h"
#include "core/tensor/matrix.h"

namespace rung {

/// A mixture that one can read in a minute: two experts, of which each row goes to one.
/// @param x        [T, hidden]
/// @param router   [2, hidden]: a row of numbers for each expert, whose dot product with x is its score
/// @param experts  two feed-forward layers
/// @param out      [T, hidden], overwritten: the chosen expert's result times its share of the two scores' softmax
/// Source: Fedus et al., arXiv:2101.03961, section 2.1.
void toy_mixture(const ConstMatrixView& x, const ConstMatrixView& router,
                 const std::array<const FeedForward*, 2>& experts, MatrixView out);

}  // namespace rung

#pragma once

#include <cstdint>
#include <vector>

#include "chapters/09_mixture_of_experts/routing.h"
#include "chapters/09_mixture_of_experts/segments.h"
#include "core/tensor/matrix.h"

// How mixtures were trained before segments of any length: every expert has room for the same number of rows. What a row
// gets then depends on the other rows of its batch, so a text is another one when its batch is cut otherwise. That is why
// no stage of the ladder has these rules, and why they are here to be compared as blocks.

namespace rung {

/// Rows that an expert has room for: rows · used / experts · factor, rounded up.
/// Source: Fedus et al., arXiv:2101.03961, section 2.2 (there for one expert a row).
/// @param factor  the capacity factor, 1 to 2 as a rule; above 0
/// @throws Error (usage) unless rows >= 0, 1 <= used <= experts and factor is finite and above 0
std::int64_t expert_capacity(std::int64_t rows, std::int64_t experts, std::int64_t used, double factor);

/// The routes that find room. First choices of all rows come before second choices, and of equal ones earlier rows before
/// later ones; what comes to a full expert is dropped, and counts 0 in its row. Weights stay as they are.
/// Source: Lepikhin et al., arXiv:2006.16668, section 2.2 and algorithm 1.
/// @param capacity  rows an expert has room for, at least 1
/// @throws Error (usage) where it is less
ExpertSegments segments_within(const Routing& routing, std::int64_t capacity);

/// Experts choose rows, not rows experts: each takes the `capacity` rows whose softmax over experts gives it most, with
/// that as their weight; of equal rows the earlier. All experts have the same work; a row may go to none or to all.
/// Source: Zhou et al., arXiv:2202.09368, section 3.2.
/// @param scores    [T, E]
/// @param capacity  rows for each expert; 1 to T
/// @throws Error (usage) where it is not, (bad_input) where a score is no finite number
ExpertSegments expert_choice(const ConstMatrixView& scores, std::int64_t capacity);

}  // namespace rung

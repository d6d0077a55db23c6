#pragma once

#include <cstdint>
#include <span>

namespace rung {

/// Makes tokens that have occurred less likely, in place: a positive logit is divided by `penalty`, a
/// negative one multiplied. Each token once, however often it occurred. Source: Keskar et al.,
/// arXiv:1909.05858, section 4.1.
/// @param logits   [V]
/// @param seen     ids in [0, V)
/// @param penalty  > 0; 1 changes nothing
void penalise_repetition(std::span<float> logits, std::span<const std::int32_t> seen, double penalty);

}  // namespace rung

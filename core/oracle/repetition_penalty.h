#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace rung::oracle {

/// Logits of which each token in `seen` is made less likely, once: divided by `penalty` where positive, multiplied
/// where not. Source: Keskar et al., arXiv:1909.05858, section 4.1; negative logits as in Hugging Face's
/// implementation.
std::vector<double> repetition_penalty(std::span<const double> logits, std::span<const std::int32_t> seen,
                                       double penalty);

}  // namespace rung::oracle

#pragma once

#include <cstdint>
#include <span>

namespace rung::check {

/// Pearson's statistic: how far counts are from what a distribution would give. Each token adds
/// (count - expected)² / expected, with expected = draws · probability. Where the draws follow the distribution and
/// each expected count is at least 5 or so, it is distributed as chi-square with one degree of freedom less than there
/// are tokens of probability above 0.
/// Source: Pearson, Philosophical Magazine 50 (1900), 157–175.
/// @param counts         [n], of each token
/// @param probabilities  [n], summing to 1
/// @return infinity when a token of probability 0 has been drawn
double chi_square(std::span<const std::int64_t> counts, std::span<const double> probabilities);

/// The probability that a chi-square variable of that many degrees of freedom is `statistic` or more: how often a right
/// sampler looks as bad as this one, or worse. A finite sum (Abramowitz and Stegun, 26.4.4 and 26.4.5).
/// @param statistic  >= 0
/// @param degrees    >= 1
double chi_square_tail(double statistic, int degrees);

}  // namespace rung::check

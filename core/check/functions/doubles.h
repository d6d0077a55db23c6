#pragma once

#include <cmath>
#include <cstddef>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "core/check/functions/show.h"

// Numbers that were computed in double, of logits that are exact in fp32.

namespace rung::check {

/// Up to 2e-13 is lost where logits around 1000 are taken from each other.
inline bool same_but_for_rounding(double found, double expected) {
  if (found == expected || (std::isnan(found) && std::isnan(expected))) return true;
  return std::isfinite(expected) && std::abs(found - expected) <= 1e-9 * std::abs(expected) + 1e-12;
}

/// Of numbers that look alike when they are shown, where they differ.
inline std::string difference_of_digits(const std::vector<double>& found,
                                        const std::vector<double>& expected) {
  if (found.size() != expected.size() || show_numbers(found) != show_numbers(expected)) return {};
  for (std::size_t i = 0; i < found.size(); ++i) {
    if (same_but_for_rounding(found[i], expected[i])) continue;
    return fmt::format(
        "expected {:.15g}, found {:.15g}, which is off by {:.1g} of it: has something been computed in "
        "single precision, or is a small part left out?",
        expected[i], found[i], std::abs(found[i] / expected[i] - 1));
  }
  return {};
}

}  // namespace rung::check

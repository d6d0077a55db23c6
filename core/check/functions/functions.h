#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/check/function_check.h"

// The functions that the harness knows, in the chapters' order: what they take, and their checks.

namespace rung::check {

/// Doubles for people: "[1.5, -2, nan]".
std::string show_numbers(const std::vector<double>& numbers);
/// As long, and each equal or within `relative` of the other; NaN equals NaN.
bool same_numbers(const std::vector<double>& found, const std::vector<double>& expected, double relative);

struct RepetitionInput {
  std::vector<float> logits;
  std::vector<std::int32_t> seen;
  double penalty = 1;
};
FunctionCheck<RepetitionInput, std::vector<double>> repetition_penalty_check();

}  // namespace rung::check

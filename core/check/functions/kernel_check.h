#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "core/check/function_check.h"
#include "core/check/functions/kernels.h"
#include "core/check/functions/show.h"

// What the checks of small kernels have in common.

namespace rung::check {

/// What is said of a kernel in which one lane works, or a few.
constexpr const char* few_lanes_work =
    "right, but few lanes of a warp work: a sector is moved for each number, where 32 lanes would share four";

/// A number's place as an index.
inline std::size_t place(std::int64_t i) {
  return static_cast<std::size_t>(i);
}

/// Of a kernel whose numbers are worth nothing.
inline KernelOutcome faulty(KernelFault fault) {
  return {.numbers = {}, .fault = fault};
}

/// A known mistake. @param also  other outcomes of it
template <typename Input>
FunctionMistake<Input, KernelOutcome> kernel_mistake(
    std::string name, std::string sentence, std::function<KernelOutcome(const Input&)> run,
    std::vector<std::function<KernelOutcome(const Input&)>> also = {}) {
  return {std::move(name), std::move(sentence), std::move(run), std::move(also)};
}

/// A check whose numbers are exact. @param place_of  of a number of the output
template <typename Input>
FunctionCheck<Input, KernelOutcome> kernel_check(
    int chapter, std::string name, std::string what,
    std::function<std::string(const Input&, std::size_t)> place_of) {
  FunctionCheck<Input, KernelOutcome> check;
  check.name = std::move(name);
  check.chapter = chapter;
  check.what = std::move(what);
  check.show = [](const KernelOutcome& outcome) { return show_numbers(outcome.numbers); };
  check.difference_in = [place_of = std::move(place_of)](const Input& input, const KernelOutcome& found,
                                                         const KernelOutcome& expected) {
    return outcome_difference(found, expected, 0, [&](std::size_t i) { return place_of(input, i); });
  };
  return check;
}

}  // namespace rung::check

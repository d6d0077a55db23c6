#pragma once

#include <cstdint>
#include <vector>

#include "core/check/function_check.h"

namespace rung::check {

/// A product of quantised weights with quantised activations, or the quantisation of activations alone.
struct IntegerDotInput {
  /// What is asked.
  enum class Rule {
    activations,  ///< scale, sum and levels of every block of `x`
    q4_0,         ///< the product of a row of Q4_0 blocks with blocks of activations
    q4_1,         ///< the same of Q4_1
  };
  Rule rule = Rule::activations;
  std::vector<float> x = {};             ///< of Rule::activations: whole blocks of 32
  std::vector<std::uint8_t> row = {};    ///< of products: blocks of weights
  std::vector<float> scales = {};        ///< of products: the activations' scales
  std::vector<std::int8_t> levels = {};  ///< of products: the activations' levels, 32 a block
};

/// Numbers, and how far they may be off.
struct IntegerDotOutput {
  std::vector<double> numbers;
  double allowed = 0;  ///< the expected output's counts
  friend bool operator==(const IntegerDotOutput&, const IntegerDotOutput&) = default;
};

/// Chapter 08's plain products of integers.
FunctionCheck<IntegerDotInput, IntegerDotOutput> integer_dot_check();

}  // namespace rung::check

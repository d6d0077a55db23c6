#pragma once

#include <cstdint>
#include <vector>

#include "core/check/function_check.h"
#include "core/stage/cost.h"
#include "core/tensor/dtype.h"

// Chapter 02's functions: what they take, and their checks.

namespace rung::check {

/// fp16 patterns; the values that they stand for come back, NaN for NaN.
using HalfInput = std::vector<std::uint16_t>;
/// fp16 to float.
FunctionCheck<HalfInput, std::vector<double>> half_to_float_check();

/// Numbers to be rounded to 16 bits, and the patterns that come back.
enum class SixteenBitRule { bfloat16, binary16 };
/// What is rounded, and to which of them.
struct RoundingInput {
  SixteenBitRule rule = SixteenBitRule::bfloat16;
  std::vector<float> numbers;
};
/// The patterns of the rounded numbers.
struct RoundedNumbers {
  SixteenBitRule rule = SixteenBitRule::bfloat16;
  std::vector<std::uint16_t> bits;
  friend bool operator==(const RoundedNumbers&, const RoundedNumbers&) = default;
};
/// Float to 16 bits.
FunctionCheck<RoundingInput, RoundedNumbers> half_rounding_check();

/// FLOPs and bytes of a product y [rows, out] = x [rows, in] · Wᵀ; they come back in that order.
struct LinearWorkInput {
  std::int64_t rows = 1;
  std::int64_t out = 1;
  std::int64_t in = 1;
  DType weight = DType::F32;
};
/// What a product takes.
FunctionCheck<LinearWorkInput, std::vector<double>> linear_work_check();

/// FLOPs and bytes of a forward pass, and the least seconds; they come back in that order.
struct ForwardWorkInput {
  StageCost cost;
  std::int64_t rows = 1;
  std::int64_t past = 0;
  std::int64_t wanted = 1;
  double bytes_per_second = 10;
  double flops_per_second = 100;
};
/// What a forward pass takes.
FunctionCheck<ForwardWorkInput, std::vector<double>> forward_work_check();

}  // namespace rung::check

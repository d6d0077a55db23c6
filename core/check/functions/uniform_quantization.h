#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/check/function_check.h"

namespace rung::check {

/// A matrix to be rounded to a few evenly spaced levels.
struct UniformQuantizationInput {
  /// Which numbers share a scale.
  enum class Share { tensor, row, group };
  int bits = 4;
  bool asymmetric = false;
  Share share = Share::group;
  std::int64_t group = 4;
  std::int64_t columns = 0;
  std::vector<float> numbers;  ///< [rows, columns], row-major
  std::int64_t between = 0;    ///< numbers that belong to nobody, behind every row
};

/// What those are: of a size that whoever reads them finds in a scale.
inline constexpr float nobodys_number = 4096;

/// What became of it; `refused` names the kind of an Error, and then the rest is empty.
struct UniformQuantizationOutput {
  std::string refused = {};
  std::vector<double> scales = {};
  std::vector<std::int32_t> zeros = {};   ///< as many zero points
  std::vector<std::int32_t> levels = {};  ///< [rows, columns]
  /// What the functions for one scale and one number say otherwise when they are asked alone, in words; else empty.
  std::string apart = {};
  friend bool operator==(const UniformQuantizationOutput&, const UniformQuantizationOutput&) = default;
};

/// Chapter 08's first quantiser. Scales may differ in their last bits, levels not at all.
FunctionCheck<UniformQuantizationInput, UniformQuantizationOutput> uniform_quantization_check();

}  // namespace rung::check

// Exercise 8.1: evenly spaced levels. What the functions must do stands in chapters/08_quantization/uniform_quantizer.h.
//
// This file takes the place of chapters/08_quantization/uniform_quantizer.cpp, so it must define what that one does. The
// levels and the check of the arguments are given; fit_scale, nearest_level and quantize_uniform are yours.

#include "chapters/08_quantization/uniform_quantizer.h"

#include <algorithm>
#include <cmath>

#include "core/error.h"

namespace rung {
namespace {

// Given: the first and the last level.
struct Levels {
  std::int32_t first = 0;
  std::int32_t last = 0;
};

[[maybe_unused]] Levels levels_of(const UniformScheme& scheme) {
  if (scheme.range == LevelRange::asymmetric) return {.first = 0, .last = (1 << scheme.bits) - 1};
  const std::int32_t most = (1 << (scheme.bits - 1)) - 1;
  return {.first = -most, .last = most};
}

// Given: refuses what cannot be meant.
void check(const UniformScheme& scheme) {
  if (scheme.bits < 2 || scheme.bits > 8) {
    throw Error(ErrorKind::usage, "quantize: expected 2 to 8 bits, found {}", scheme.bits);
  }
  if (scheme.scale_for == ScaleFor::group && scheme.group < 1) {
    throw Error(ErrorKind::usage, "quantize: expected a group of at least 1 number, found {}", scheme.group);
  }
}

}  // namespace

UniformScale fit_scale(const ConstMatrixView& numbers, const UniformScheme& scheme) {
  if (!numbers.allFinite()) {
    throw Error(ErrorKind::bad_input, "quantize: expected finite numbers, found one that is not");
  }
  throw Error(ErrorKind::bad_input,
              "fit_scale is not written yet: chapters/08_quantization/exercises/README.md, exercise 8.1");
}

std::int32_t nearest_level(float x, const UniformScale& scale, const UniformScheme& scheme) {
  throw Error(ErrorKind::bad_input,
              "nearest_level is not written yet: chapters/08_quantization/exercises/README.md, exercise 8.1");
}

UniformMatrix quantize_uniform(const ConstMatrixView& weights,  // [out, in]
                               const UniformScheme& scheme) {
  check(scheme);
  UniformMatrix quantized{
      .scheme = scheme, .levels = LevelMatrix(weights.rows(), weights.cols()), .scales = {}};
  throw Error(
      ErrorKind::bad_input,
      "quantize_uniform is not written yet: chapters/08_quantization/exercises/README.md, exercise 8.1");
}

}  // namespace rung

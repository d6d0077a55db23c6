#include "chapters/08_quantization/uniform_quantizer.h"

#include <algorithm>
#include <cmath>

#include "core/error.h"

namespace rung {
namespace {

// [levels]
struct Levels {
  std::int32_t first = 0;
  std::int32_t last = 0;
};

Levels levels_of(const UniformScheme& scheme) {
  if (scheme.range == LevelRange::asymmetric) return {.first = 0, .last = (1 << scheme.bits) - 1};
  const std::int32_t most = (1 << (scheme.bits - 1)) - 1;
  return {.first = -most, .last = most};
}
// [levels]

void check(const UniformScheme& scheme) {
  if (scheme.bits < 2 || scheme.bits > 8) {
    throw Error(ErrorKind::usage, "quantize: expected 2 to 8 bits, found {}", scheme.bits);
  }
  if (scheme.scale_for == ScaleFor::group && scheme.group < 1) {
    throw Error(ErrorKind::usage, "quantize: expected a group of at least 1 number, found {}", scheme.group);
  }
}

}  // namespace

// [fit]
UniformScale fit_scale(const ConstMatrixView& numbers, const UniformScheme& scheme) {
  if (!numbers.allFinite()) {
    throw Error(ErrorKind::bad_input, "quantize: expected finite numbers, found one that is not");
  }
  const Levels levels = levels_of(scheme);
  if (scheme.range == LevelRange::symmetric) {
    const double largest = double{numbers.cwiseAbs().maxCoeff()};
    return {.scale = static_cast<float>(largest / levels.last), .zero = 0};
  }
  const double least = std::min(double{numbers.minCoeff()}, 0.0);
  const double most = std::max(double{numbers.maxCoeff()}, 0.0);
  const auto scale = static_cast<float>((most - least) / levels.last);
  if (scale == 0) return {};
  const double zero = std::round(-least / double{scale});
  return {.scale = scale, .zero = static_cast<std::int32_t>(std::min<double>(zero, levels.last))};
}
// [fit]

// [level]
std::int32_t nearest_level(float x, const UniformScale& scale, const UniformScheme& scheme) {
  if (scale.scale == 0) return 0;
  const Levels levels = levels_of(scheme);
  const double level = std::round(double{x} / double{scale.scale}) + scale.zero;
  return static_cast<std::int32_t>(std::clamp<double>(level, levels.first, levels.last));
}
// [level]

// [quantize]
UniformMatrix quantize_uniform(const ConstMatrixView& weights, const UniformScheme& scheme) {
  check(scheme);
  const Eigen::Index rows = weights.rows();
  const Eigen::Index columns = weights.cols();
  // The part that shares a scale: all, a row, or so many columns of a row.
  const Eigen::Index height = scheme.scale_for == ScaleFor::tensor ? rows : 1;
  const Eigen::Index width = scheme.scale_for == ScaleFor::group ? scheme.group : columns;
  UniformMatrix quantized{.scheme = scheme, .levels = LevelMatrix(rows, columns), .scales = {}};
  for (Eigen::Index row = 0; row < rows; row += height) {
    for (Eigen::Index column = 0; column < columns; column += width) {
      const Eigen::Index here = std::min(width, columns - column);  // less at the end of a row
      const auto numbers = weights.block(row, column, height, here);
      const UniformScale scale = fit_scale(numbers, scheme);
      quantized.levels.block(row, column, height, here) =
          numbers.unaryExpr([&](float x) { return nearest_level(x, scale, scheme); });
      quantized.scales.push_back(scale);
    }
  }
  return quantized;
}
// [quantize]

}  // namespace rung

#include <cstddef>

#include "chapters/08_quantization/uniform_quantizer.h"

namespace rung {
namespace {

/// Groups in a row; the last one may be shorter.
std::int64_t groups_in(const UniformScheme& scheme, std::int64_t columns) {
  return (columns + scheme.group - 1) / scheme.group;
}

std::size_t index_of_scale(const UniformScheme& scheme, std::int64_t columns, std::int64_t row,
                           std::int64_t column) {
  switch (scheme.scale_for) {
    case ScaleFor::tensor:
      return 0;
    case ScaleFor::channel:
      return static_cast<std::size_t>(row);
    case ScaleFor::group:
      break;
  }
  return static_cast<std::size_t>(row * groups_in(scheme, columns) + column / scheme.group);
}

}  // namespace

Matrix dequantize(const UniformMatrix& quantized) {
  const LevelMatrix& levels = quantized.levels;
  Matrix numbers(levels.rows(), levels.cols());
  for (Eigen::Index row = 0; row < levels.rows(); ++row) {
    for (Eigen::Index column = 0; column < levels.cols(); ++column) {
      const UniformScale& scale =
          quantized.scales[index_of_scale(quantized.scheme, levels.cols(), row, column)];
      numbers(row, column) = scale.scale * static_cast<float>(levels(row, column) - scale.zero);
    }
  }
  return numbers;
}

double bits_per_weight(const UniformScheme& scheme, std::int64_t out, std::int64_t in) {
  const std::size_t scales = index_of_scale(scheme, in, out - 1, in - 1) + 1;
  const int bits_of_scale = 16 + (scheme.range == LevelRange::asymmetric ? scheme.bits : 0);
  return scheme.bits + static_cast<double>(scales) * bits_of_scale / static_cast<double>(out * in);
}

}  // namespace rung

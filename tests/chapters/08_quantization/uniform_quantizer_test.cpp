#include "chapters/08_quantization/uniform_quantizer.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>

#include "core/error.h"
#include "tests/catch.h"

using namespace rung;

namespace {

/// Rows of numbers that are evenly spread over -1 to 1, the last one of each at the end of the range.
Matrix spread(Eigen::Index rows, Eigen::Index columns, unsigned seed) {
  std::mt19937 bits(seed);
  Matrix numbers(rows, columns);
  for (Eigen::Index i = 0; i < numbers.size(); ++i) {
    numbers.data()[i] = static_cast<float>(bits() >> 8) * 0x1p-23F - 1;
  }
  numbers.col(columns - 1).setConstant(1);
  return numbers;
}

/// The scale that number (row, column) was rounded with.
UniformScale scale_at(const UniformMatrix& quantized, Eigen::Index row, Eigen::Index column) {
  const auto& [scheme, levels, scales] = quantized;
  if (scheme.scale_for == ScaleFor::tensor) return scales[0];
  if (scheme.scale_for == ScaleFor::channel) return scales[static_cast<std::size_t>(row)];
  const Eigen::Index groups = (levels.cols() + scheme.group - 1) / scheme.group;
  return scales[static_cast<std::size_t>(row * groups + column / scheme.group)];
}

}  // namespace

TEST_CASE("a rounded number is off by half a step at most, and 0 stays 0") {
  Matrix numbers = spread(7, 50, 3);
  numbers.row(2) *= 100;
  numbers.row(3) = numbers.row(3).cwiseAbs();
  numbers(4, 7) = 0;
  numbers(3, 9) = 0;
  for (const LevelRange range : {LevelRange::symmetric, LevelRange::asymmetric}) {
    for (const ScaleFor scale_for : {ScaleFor::tensor, ScaleFor::channel, ScaleFor::group}) {
      for (const int bits : {2, 3, 4, 5, 6, 7, 8}) {
        const UniformMatrix quantized =
            quantize_uniform(numbers, {.bits = bits, .range = range, .scale_for = scale_for, .group = 16});
        const Matrix back = dequantize(quantized);
        REQUIRE(back.rows() == numbers.rows());
        REQUIRE(back.cols() == numbers.cols());
        float worst = 0;  // in steps
        for (Eigen::Index row = 0; row < numbers.rows(); ++row) {
          for (Eigen::Index column = 0; column < numbers.cols(); ++column) {
            const float off = std::abs(back(row, column) - numbers(row, column));
            worst = std::max(worst, off / scale_at(quantized, row, column).scale);
          }
        }
        INFO(bits << " bits");
        // The zero point is rounded on its own, so that the last level may be half a step short.
        CHECK(worst <= (range == LevelRange::symmetric ? 0.5001F : 1.0001F));
        CHECK(back(4, 7) == 0);
        CHECK(back(3, 9) == 0);
      }
    }
  }
}

TEST_CASE("what evenly spread numbers lose is a twelfth of the step's square") {
  const Matrix numbers = spread(64, 256, 5);
  const UniformMatrix quantized = quantize_uniform(numbers, {.bits = 6, .scale_for = ScaleFor::tensor});
  const double step = double{quantized.scales.at(0).scale};
  const double mean_square = double{(dequantize(quantized) - numbers).squaredNorm()} / double(numbers.size());
  CHECK(std::abs(mean_square / (step * step / 12) - 1) < 0.03);
}

TEST_CASE("each row ends with a group, and a matrix that has its levels already does not change") {
  const Matrix numbers = spread(3, 10, 7);
  const UniformScheme scheme{.bits = 8, .group = 4};
  const UniformMatrix quantized = quantize_uniform(numbers, scheme);
  CHECK(quantized.scales.size() == 9);
  CHECK(quantized.scales[2].scale == 1.0F / 127);  // numbers 8 and 9, the last of which is 1
  const Matrix once = dequantize(quantized);
  CHECK((dequantize(quantize_uniform(once, scheme)) - once).cwiseAbs().maxCoeff() < 1e-6F);
}

TEST_CASE("bits of a weight with its share of the scales") {
  const auto bits = [](const UniformScheme& scheme) { return bits_per_weight(scheme, 64, 96); };
  CHECK(bits({.bits = 4, .group = 32}) == 4.5);
  CHECK(bits({.bits = 4, .range = LevelRange::asymmetric, .group = 32}) == 4 + 20.0 / 32);
  CHECK(bits({.bits = 8, .scale_for = ScaleFor::channel}) == 8 + 16.0 / 96);
  CHECK(bits({.bits = 3, .scale_for = ScaleFor::tensor}) == 3 + 16.0 / (64 * 96));
  CHECK(bits({.bits = 4, .group = 64}) == 4 + 2 * 16.0 / 96);  // 64 and 32 of each row
}

TEST_CASE("a quantiser refuses what it cannot round") {
  Matrix numbers = spread(2, 8, 9);
  CHECK_THROWS_AS(quantize_uniform(numbers, {.bits = 1}), Error);
  CHECK_THROWS_AS(quantize_uniform(numbers, {.bits = 9}), Error);
  CHECK_THROWS_AS(quantize_uniform(numbers, {.group = 0}), Error);
  numbers(1, 3) = std::numeric_limits<float>::quiet_NaN();
  CHECK_THROWS_AS(quantize_uniform(numbers, {}), Error);
  numbers(1, 3) = -std::numeric_limits<float>::infinity();
  CHECK_THROWS_AS(quantize_uniform(numbers, {}), Error);
}

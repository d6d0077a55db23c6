#include <cmath>

#include "chapters/03_attention/rope.h"
#include "tests/catch.h"

using rung::Matrix;
using rung::RopeLayout;

TEST_CASE("a pair is rotated by position times frequency") {
  // D = 4, theta = 100: frequencies 1 and 0.1.
  const auto frequencies = rung::rope_frequencies({.theta = 100, .scaling = {}}, 4);
  REQUIRE(frequencies.size() == 2);
  CHECK(frequencies[0] == Approx(1));
  CHECK(frequencies[1] == Approx(0.1));
  const std::vector<std::int32_t> positions{0, 3};
  const rung::Rotations rotations(frequencies, positions);
  Matrix x(2, 4);
  x << 1, 2, 3, 4, 1, 0, 0, 1;
  rung::rope(x, rotations, RopeLayout::half_split);
  CHECK(x(0, 0) == 1);  // position 0 stays
  CHECK(x(0, 3) == 4);
  CHECK(x(1, 0) == Approx(std::cos(3.0)));  // (1, 0) by 3
  CHECK(x(1, 2) == Approx(std::sin(3.0)));
  CHECK(x(1, 1) == Approx(-std::sin(0.3)));  // (0, 1) by 0.3
  CHECK(x(1, 3) == Approx(std::cos(0.3)));
}

TEST_CASE("the two layouts are the same rotation of permuted numbers") {
  const Eigen::Index half = 3, heads = 2;
  const auto frequencies = rung::rope_frequencies({}, 2 * half);
  const std::vector<std::int32_t> positions{5, 11};
  const rung::Rotations rotations(frequencies, positions);
  Matrix split = Matrix::Random(2, heads * 2 * half);
  Matrix interleaved(2, heads * 2 * half);
  const auto permute = [&](const Matrix& from, Matrix& to) {
    for (Eigen::Index head = 0; head < heads; ++head) {
      for (Eigen::Index i = 0; i < half; ++i) {
        to.col(head * 2 * half + 2 * i) = from.col(head * 2 * half + i);
        to.col(head * 2 * half + 2 * i + 1) = from.col(head * 2 * half + i + half);
      }
    }
  };
  permute(split, interleaved);
  rung::rope(split, rotations, RopeLayout::half_split);
  rung::rope(interleaved, rotations, RopeLayout::interleaved);
  Matrix expected(2, heads * 2 * half);
  permute(split, expected);
  CHECK(interleaved == expected);
}

TEST_CASE("scaled frequencies") {
  const auto plain = rung::rope_frequencies({.theta = 500000, .scaling = {}}, 128);
  const auto linear =
      rung::rope_frequencies({.theta = 500000, .scaling = rung::LinearRopeScaling{.factor = 4}}, 128);
  const auto llama3 = rung::rope_frequencies({.theta = 500000, .scaling = rung::Llama3RopeScaling{}}, 128);
  CHECK(linear[10] == Approx(plain[10] / 4));
  CHECK(llama3.front() == plain.front());            // short waves are kept
  CHECK(llama3.back() == Approx(plain.back() / 8));  // long ones stretched
  const double blended = llama3[32];                 // some are between
  CHECK(blended < plain[32]);
  CHECK(blended > plain[32] / 8);
  std::vector<float> factors(64, 2.0F);
  const auto given =
      rung::rope_frequencies({.theta = 500000, .scaling = rung::RopeFrequencyFactors{factors}}, 128);
  CHECK(given[10] == Approx(plain[10] / 2));
}

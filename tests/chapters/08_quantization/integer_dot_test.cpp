// The plain products of integers against decoded numbers in double, and against what the stages multiply with.

#include "chapters/08_quantization/integer_dot.h"

#include <cmath>
#include <random>
#include <vector>

#include "chapters/08_quantization/block_dot.h"
#include "chapters/08_quantization/quantize.h"
#include "core/error.h"
#include "core/tensor/decode.h"
#include "tests/catch.h"

using namespace rung;

namespace {

constexpr std::size_t blocks = 9;

std::vector<float> random_numbers(unsigned seed) {
  std::mt19937 bits(seed);
  std::vector<float> numbers(32 * blocks);
  for (float& x : numbers) x = static_cast<float>(bits() >> 8) * 0x1p-23F - 0.7F;
  return numbers;
}

std::vector<ActivationBlock> activations(const std::vector<float>& x) {
  std::vector<ActivationBlock> quantised;
  quantised.reserve(blocks);
  for (std::size_t b = 0; b < blocks; ++b)
    quantised.push_back(quantize_activations(std::span(x).subspan(32 * b).first<32>()));
  return quantised;
}

}  // namespace

TEST_CASE("the plain product of blocks is that of the decoded numbers, and that of the stages") {
  const std::vector<float> x = random_numbers(1);
  const std::vector<float> weights = random_numbers(2);
  const std::vector<ActivationBlock> quantised = activations(x);
  for (const DType type : {DType::Q4_0, DType::Q4_1}) {
    std::vector<std::byte> row(blocks * static_cast<std::size_t>(info(type).block_bytes));
    quantize(type, weights, row);
    const float found = type == DType::Q4_0 ? dot_q4_0(row, quantised) : dot_q4_1(row, quantised);

    std::vector<float> decoded(weights.size());
    decode(type, row, decoded);
    double expected = 0;
    double size = 0;
    for (std::size_t i = 0; i < decoded.size(); ++i) {
      const ActivationBlock& block = quantised[i / 32];
      const double term = double{decoded[i]} * double{block.scale} * block.levels[i % 32];
      expected += term;
      size += std::abs(term);
    }
    INFO(name(type));
    CHECK(std::abs(found - expected) <= 1e-6 * size);

    const Matrix rows = Eigen::Map<const Matrix>(x.data(), 1, static_cast<Eigen::Index>(x.size()));
    const QuantizedActivations groups(rows);
    float of_stage = 0;
    block_dot(type)(row.data(), groups, 0, 1, &of_stage);
    CHECK(std::abs(double{of_stage} - double{found}) <= 1e-6 * size);
  }
}

TEST_CASE("plain products refuse rows of another length") {
  const std::vector<ActivationBlock> x(2);
  const std::vector<std::byte> row(36);
  CHECK(dot_q4_0(row, x) == 0);
  CHECK_THROWS_AS(dot_q4_1(row, x), Error);
  CHECK_THROWS_AS(dot_q4_0(std::span(row).first(35), x), Error);
}

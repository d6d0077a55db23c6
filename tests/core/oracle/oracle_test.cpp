// The oracle against PyTorch and Hugging Face transformers (goldens.h, written by make_goldens.py).

#include <cmath>
#include <limits>
#include <string>

#include "core/error.h"
#include "core/oracle/attention.h"
#include "core/oracle/linear.h"
#include "core/oracle/rms_norm.h"
#include "core/oracle/rope.h"
#include "core/oracle/softmax.h"
#include "core/oracle/swiglu.h"
#include "tests/catch.h"
#include "tests/core/oracle/goldens.h"

namespace oracle = rung::oracle;

namespace {

/// Largest |a − b| / (1 + |b|); infinity when the sizes differ or a number is missing.
double distance(const std::vector<double>& a, const std::vector<double>& b) {
  if (a.size() != b.size() || b.empty()) return std::numeric_limits<double>::infinity();
  double largest = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    const double d = std::abs(a[i] - b[i]) / (1 + std::abs(b[i]));
    if (!(d <= largest)) largest = d;
  }
  return largest;
}

constexpr double exact = 1e-14;  // both computed in double
constexpr double single = 3e-7;  // the golden was computed in fp32 in between
constexpr double minus_infinity = -std::numeric_limits<double>::infinity();

}  // namespace

TEST_CASE("linear is torch's") {
  std::vector<double> y(12);
  oracle::linear(goldens::linear_x, goldens::linear_w, 3, 4, 5, y);
  CHECK(distance(y, goldens::linear_y) < exact);
}

TEST_CASE("rms_norm is transformers' LlamaRMSNorm") {
  std::vector<double> y(21);
  oracle::rms_norm(goldens::rms_norm_x, goldens::rms_norm_weight, 3, 7, 1e-5, y);
  CHECK(distance(y, goldens::rms_norm_y) < 1e-6);
}

TEST_CASE("softmax is torch's, and a masked row gives 0") {
  std::vector<double> y(18);
  oracle::softmax(goldens::softmax_x, 3, 6, y);
  CHECK(distance(y, goldens::softmax_y) < exact);

  const std::vector<double> masked = {1, minus_infinity, 1, minus_infinity, minus_infinity, minus_infinity};
  std::vector<double> p(6);
  oracle::softmax(masked, 2, 3, p);
  CHECK(p == std::vector<double>{0.5, 0, 0.5, 0, 0, 0});
}

TEST_CASE("swiglu is torch's silu times up") {
  std::vector<double> y(12);
  oracle::swiglu(goldens::swiglu_gate, goldens::swiglu_up, y);
  CHECK(distance(y, goldens::swiglu_y) < exact);
}

TEST_CASE("RoPE frequencies are transformers', plain, linear and Llama 3.1") {
  CHECK(distance(oracle::rope_frequencies({.theta = 10000, .scaling = {}}, 16), goldens::frequencies_plain) <
        single);
  CHECK(distance(oracle::rope_frequencies({.theta = 10000, .scaling = rung::LinearRopeScaling{4}}, 16),
                 goldens::frequencies_linear) < single);
  const rung::Llama3RopeScaling llama{
      .factor = 32, .low_freq_factor = 1, .high_freq_factor = 4, .original_context = 8192};
  const std::vector<double> scaled = oracle::rope_frequencies({.theta = 500000, .scaling = llama}, 64);
  REQUIRE(scaled.size() == goldens::frequencies_llama3.size());
  for (std::size_t i = 0; i < scaled.size(); ++i) {
    CHECK(std::abs(scaled[i] / goldens::frequencies_llama3[i] - 1) < 2e-6);
  }
}

TEST_CASE("RoPE factors divide the frequencies") {
  const rung::RopeFrequencyFactors factors{{1, 2, 4}};
  const auto plain = oracle::rope_frequencies({.theta = 100, .scaling = {}}, 6);
  const auto divided = oracle::rope_frequencies({.theta = 100, .scaling = factors}, 6);
  for (std::size_t i = 0; i < 3; ++i) CHECK(divided[i] == plain[i] / static_cast<double>(factors.factors[i]));
  CHECK_THROWS_AS(oracle::rope_frequencies({.theta = 100, .scaling = factors}, 8), rung::Error);
  CHECK_THROWS_AS(oracle::rope_frequencies({.theta = 100, .scaling = {}}, 5), rung::Error);
}

TEST_CASE("RoPE turns halves as transformers does, and pairs as complex numbers do") {
  const std::vector<std::int64_t> positions = {11, 12, 13};
  const auto frequencies = oracle::rope_frequencies({.theta = 10000, .scaling = {}}, 16);
  std::vector<double> y(goldens::rope_x.size());
  oracle::rope(rung::RopeLayout::half_split, frequencies, positions, goldens::rope_x, 2, y);
  CHECK(distance(y, goldens::rope_half_split) < 1e-13);
  oracle::rope(rung::RopeLayout::interleaved, frequencies, positions, goldens::rope_x, 2, y);
  CHECK(distance(y, goldens::rope_interleaved) < 1e-13);
}

TEST_CASE("attention is transformers' grouped attention, causal and with a window, in a chunk of a prefill") {
  const oracle::AttentionShape shape{.T = 4, .S = 7, .H = 4, .G = 2, .D = 6};
  std::vector<double> out(goldens::attention_q.size());
  std::vector<double> lse(16);
  const auto run = [&](const oracle::AttentionMask& mask) {
    oracle::attention(shape, mask, 0.4, goldens::attention_q, goldens::attention_k, goldens::attention_v, out,
                      lse);
  };
  run({.causal = true, .window = {}, .first_position = 3});
  CHECK(distance(out, goldens::attention_causal) < exact);
  CHECK(distance(lse, goldens::attention_causal_lse) < exact);
  run({.causal = true, .window = 3, .first_position = 3});
  CHECK(distance(out, goldens::attention_window) < exact);
  CHECK(distance(lse, goldens::attention_window_lse) < exact);
}

TEST_CASE("a query that sees no key gives 0 and a log-sum-exp of minus infinity, and reads nothing") {
  const oracle::AttentionShape shape{.T = 2, .S = 1, .H = 1, .G = 1, .D = 2};
  const std::vector<double> q = {1, 1, 1, 1};
  const std::vector<double> k = {1, 1};
  const std::vector<double> v = {3, 4};
  std::vector<double> out(4, -1);
  std::vector<double> lse(2, -1);
  oracle::attention(shape, {.causal = true, .window = {}, .first_position = -1}, 1, q, k, v, out, lse);
  CHECK(out == std::vector<double>{0, 0, 3, 4});
  CHECK(lse[0] == minus_infinity);
  CHECK(lse[1] == 2);
}

TEST_CASE("sizes that do not fit their shapes are refused by name") {
  std::vector<double> y(12);
  try {
    oracle::linear(goldens::linear_x, goldens::linear_w, 3, 4, 6, y);
    FAIL("accepted");
  } catch (const rung::Error& error) {
    CHECK(std::string(error.what()).find("linear: x has 15 numbers") != std::string::npos);
  }
  CHECK_THROWS_AS(oracle::attention({.T = 1, .S = 1, .H = 3, .G = 2, .D = 1}, {}, 1, std::vector<double>(3),
                                    std::vector<double>(2), std::vector<double>(2), y),
                  rung::Error);
}

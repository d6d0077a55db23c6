// Cross entropy, perplexity and KL divergence against PyTorch's numbers, and which tokens of a text are scored.

#include "chapters/08_quantization/perplexity.h"

#include <cmath>
#include <fstream>
#include <limits>
#include <numeric>
#include <vector>

#include <nlohmann/json.hpp>

#include "core/error.h"
#include "tests/catch.h"

namespace {

using namespace rung;

nlohmann::json torch_golden() {
  return nlohmann::json::parse(std::ifstream(RUNG_SOURCE_DIR "/tests/golden/perplexity.json"))
      .at("functions");
}

std::vector<float> numbers_of(const nlohmann::json& row) {
  std::vector<float> numbers;
  for (const auto& one : row)
    numbers.push_back(one.is_null() ? -std::numeric_limits<float>::infinity() : one.get<float>());
  return numbers;
}

bool close(double found, double expected) {
  return std::abs(found - expected) <= 1e-9 * std::abs(expected) + 1e-12;
}

std::vector<std::int32_t> counted(std::int64_t tokens) {
  std::vector<std::int32_t> ids(static_cast<std::size_t>(tokens));
  std::iota(ids.begin(), ids.end(), 100);
  return ids;
}

/// How often each token of the text is scored.
std::vector<int> times_scored(const std::vector<ScoredWindow>& windows, std::int64_t tokens) {
  std::vector<int> times(static_cast<std::size_t>(tokens));
  for (const ScoredWindow& window : windows) {
    for (std::int64_t i = window.first_scored; i < window.length; ++i)
      ++times.at(static_cast<std::size_t>(window.first + i));
  }
  return times;
}

}  // namespace

TEST_CASE("cross entropy, perplexity and KL divergence are PyTorch's") {
  const auto golden = torch_golden();
  std::vector<double> entropies;
  for (std::size_t row = 0; row < golden.at("targets").size(); ++row) {
    INFO("row " << row);
    const auto p = numbers_of(golden.at("p_logits")[row]);
    const auto q = numbers_of(golden.at("q_logits")[row]);
    entropies.push_back(cross_entropy(p, golden.at("targets")[row].get<std::int32_t>()));
    CHECK(close(entropies.back(), golden.at("cross_entropy")[row].get<double>()));
    CHECK(close(kl_divergence(p, q), golden.at("kl_divergence")[row].get<double>()));
    CHECK(kl_divergence(p, p) == 0);
  }
  REQUIRE(entropies.size() == 6);
  const Estimate found = perplexity(entropies);
  CHECK(close(found.value, golden.at("perplexity").get<double>()));
  CHECK(close(found.standard_error, golden.at("perplexity_error").get<double>()));
}

TEST_CASE("a token that cannot come is infinitely surprising, and one sample has no error") {
  const std::vector<float> logits = {1, -std::numeric_limits<float>::infinity(), 2};
  CHECK(std::isinf(cross_entropy(logits, 1)));
  CHECK(std::isinf(kl_divergence(std::vector<float>{0, 0, 0}, logits)));
  CHECK(std::isnan(perplexity(std::vector<double>{1}).standard_error));
  CHECK(perplexity(std::vector<double>{0}).value == 1);
}

TEST_CASE("of a chunk the tokens behind the middle are scored, of a rest none") {
  CHECK(chunks_of(1500, 512) == std::vector<ScoredWindow>{{0, 512, 257}, {512, 512, 257}});
  const auto times = times_scored(chunks_of(20, 8), 20);
  CHECK(times == std::vector<int>{0, 0, 0, 0, 0, 1, 1, 1, 0, 0, 0, 0, 0, 1, 1, 1, 0, 0, 0, 0});
}

TEST_CASE("windows that overlap score every token but the first once, with enough before it") {
  for (const std::int64_t tokens : {2, 7, 8, 9, 13, 40}) {
    for (const std::int64_t stride : {1, 3, 7}) {
      INFO(tokens << " tokens, stride " << stride);
      const auto windows = strided_windows(tokens, 8, stride);
      std::vector<int> once(static_cast<std::size_t>(tokens), 1);
      once[0] = 0;
      CHECK(times_scored(windows, tokens) == once);
      for (std::size_t w = 1; w < windows.size(); ++w) CHECK(windows[w].first_scored >= 8 - stride);
      for (const ScoredWindow& window : windows) CHECK(window.length <= 8);
    }
  }
}

TEST_CASE("batches run a window from its BOS on, and want what is scored") {
  const ScoredWindow window{.first = 10, .length = 7, .first_scored = 4};
  const auto batches = batches_of(window, counted(17), 1, 4);
  REQUIRE(batches.size() == 2);
  REQUIRE(batches[0].rows.size() == 4);
  REQUIRE(batches[1].rows.size() == 2);  // the last token is only predicted
  CHECK(batches[0].rows[0].token == 1);
  CHECK(batches[0].rows[1].token == 111);
  CHECK(batches[1].rows[1].token == 115);
  CHECK(batches[1].rows[1].position == 5);
  CHECK(batches[0].wanted() == 1);
  CHECK(batches[0].rows[3].wants_logits);
  CHECK(batches[1].wanted() == 2);
  CHECK(batches_of(window, counted(17), {}, 4)[0].rows[0].token == 110);
}

TEST_CASE("what cannot be scored is refused") {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const float infinity = std::numeric_limits<float>::infinity();
  const std::vector<float> two = {0, 1};
  CHECK_THROWS_AS(cross_entropy(std::vector<float>{0, nan}, 0), Error);
  CHECK_THROWS_AS(cross_entropy(std::vector<float>{0, infinity}, 0), Error);
  CHECK_THROWS_AS(cross_entropy(std::vector<float>{-infinity, -infinity}, 0), Error);
  CHECK_THROWS_AS(log_probabilities({}), Error);
  CHECK_THROWS_AS(cross_entropy(two, 2), Error);
  CHECK_THROWS_AS(cross_entropy(two, -1), Error);
  CHECK_THROWS_AS(kl_divergence(two, std::vector<float>{0, 1, 2}), Error);
  CHECK_THROWS_AS(perplexity({}), Error);
  CHECK_THROWS_AS(chunks_of(7, 8), Error);
  CHECK_THROWS_AS(chunks_of(7, 3), Error);
  CHECK_THROWS_AS(strided_windows(20, 8, 8), Error);
  CHECK_THROWS_AS(strided_windows(20, 8, 0), Error);
  CHECK_THROWS_AS(strided_windows(1, 8, 2), Error);
  CHECK_THROWS_AS(cross_entropies(Matrix::Zero(2, 4), counted(2), 0), Error);
  CHECK_THROWS_AS(batches_of({.first = 0, .length = 9, .first_scored = 5}, counted(8), {}, 4), Error);
}

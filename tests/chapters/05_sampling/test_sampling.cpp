#include <cmath>
#include <limits>
#include <numeric>
#include <vector>

#include "chapters/05_sampling/repetition.h"
#include "chapters/05_sampling/sampler.h"
#include "chapters/05_sampling/truncation.h"
#include "core/error.h"
#include "tests/catch.h"

using rung::Distribution;

namespace {

// Logits whose softmax is 0.5, 0.25, 0.125, 0.125 for tokens 2, 0, 1, 3.
const std::vector<float> logits{std::log(2.0F), 0, std::log(4.0F), 0};

std::vector<std::int32_t> tokens(const Distribution& distribution) {
  std::vector<std::int32_t> list;
  for (const auto& choice : distribution) list.push_back(choice.token);
  return list;
}

double sum(const Distribution& distribution) {
  return std::accumulate(distribution.begin(), distribution.end(), 0.0,
                         [](double total, const auto& choice) { return total + choice.probability; });
}

// Pearson's statistic of `draws` draws against the distribution they should follow.
double chi_square(rung::Sampler& sampler, const std::vector<float>& from, const std::vector<double>& expected,
                  int draws) {
  std::vector<int> counts(expected.size());
  for (int i = 0; i < draws; ++i) ++counts[static_cast<std::size_t>(sampler.sample(from, {}))];
  double statistic = 0;
  for (std::size_t token = 0; token < expected.size(); ++token) {
    if (expected[token] == 0) {
      REQUIRE(counts[token] == 0);  // what has probability zero is never drawn
      continue;
    }
    const double mean = expected[token] * draws;
    statistic += (counts[token] - mean) * (counts[token] - mean) / mean;
  }
  return statistic;
}

}  // namespace

TEST_CASE("a distribution is sorted, sums to 1, and ties go to the lower token") {
  const auto all = rung::distribution(logits, 1);
  CHECK(tokens(all) == std::vector<std::int32_t>{2, 0, 1, 3});
  CHECK(all[0].probability == Approx(0.5));
  CHECK(all[3].probability == Approx(0.125));
  CHECK(sum(all) == Approx(1));
  const auto cold = rung::distribution(logits, 0.5);  // squares, then normalised: 16, 4, 1, 1
  CHECK(cold[0].probability == Approx(16.0 / 22));
}

TEST_CASE("each rule keeps what it should") {
  const auto all = rung::distribution(logits, 1);
  CHECK(tokens(rung::top_k(all, 1)) == std::vector<std::int32_t>{2});
  CHECK(tokens(rung::top_k(all, 3)) == std::vector<std::int32_t>{2, 0, 1});
  CHECK(rung::top_k(all, 100).size() == 4);
  CHECK(tokens(rung::top_p(all, 0.01)) == std::vector<std::int32_t>{2});  // always one
  CHECK(tokens(rung::top_p(all, 0.49)) == std::vector<std::int32_t>{2});
  CHECK(tokens(rung::top_p(all, 0.51)) == std::vector<std::int32_t>{2, 0});
  CHECK(rung::top_p(all, 1).size() == 4);
  CHECK(tokens(rung::min_p(all, 0.3)) == std::vector<std::int32_t>{2, 0});
  CHECK(rung::min_p(all, 0).size() == 4);
  CHECK(tokens(rung::min_p(all, 1)) == std::vector<std::int32_t>{2});
  CHECK(sum(rung::top_k(all, 3)) == Approx(1));
  CHECK(rung::top_p(all, 0.6)[0].probability == Approx(2.0 / 3));
}

TEST_CASE("the repetition penalty pushes both signs down, once per token") {
  std::vector<float> changed{2, -2, 1};
  const std::vector<std::int32_t> seen{0, 1, 0, 0};
  rung::penalise_repetition(changed, seen, 2);
  CHECK(changed == std::vector<float>{1, -4, 1});
}

TEST_CASE("greedy takes the lowest of equals and refuses NaN and nothing") {
  CHECK(rung::greedy(std::vector<float>{1, 3, 3}) == 1);
  CHECK_THROWS_AS(rung::greedy(std::vector<float>{1, NAN, 3}), rung::Error);
  CHECK_THROWS_AS(rung::greedy(std::vector<float>{NAN, 1}), rung::Error);
  CHECK_THROWS_AS(rung::greedy({}), rung::Error);
  CHECK_THROWS_AS(rung::distribution({}, 1), rung::Error);
  CHECK_THROWS_AS(rung::distribution(std::vector<float>{1, INFINITY}, 1), rung::Error);
  CHECK_THROWS_AS(rung::distribution(std::vector<float>{-INFINITY, -INFINITY}, 1), rung::Error);
}

TEST_CASE("draws follow the distribution (chi-square, false alarm 1 in 1,000, with a fixed seed)") {
  // Critical values of chi-square at 0.001: 16.27 for 3 degrees of freedom, 13.82 for 2, 10.83 for 1.
  rung::Sampler plain({.temperature = 1, .seed = 1});
  CHECK(chi_square(plain, logits, {0.25, 0.125, 0.5, 0.125}, 20000) < 16.27);
  rung::Sampler three({.temperature = 1, .top_k = 3, .seed = 2});
  CHECK(chi_square(three, logits, {0.25 / 0.875, 0.125 / 0.875, 0.5 / 0.875, 0}, 20000) < 13.82);
  rung::Sampler nucleus({.temperature = 1, .top_p = 0.7, .seed = 3});
  CHECK(chi_square(nucleus, logits, {1.0 / 3, 0, 2.0 / 3, 0}, 20000) < 10.83);
  // And the test can tell: drawn at temperature 1, expected at 0.9.
  rung::Sampler warm({.temperature = 1, .seed = 4});
  std::vector<double> cold(4);
  for (const auto& choice : rung::distribution(logits, 0.9)) cold[choice.token] = choice.probability;
  CHECK(chi_square(warm, logits, cold, 20000) > 16.27);
}

TEST_CASE("a token of probability zero is never drawn") {
  const std::vector<float> holes{-INFINITY, 0, -1e30F, 0, -INFINITY};
  rung::Sampler sampler({.temperature = 2, .seed = 5});
  CHECK(chi_square(sampler, holes, {0, 0.5, 0, 0.5, 0}, 5000) < 10.83);
}

TEST_CASE("the stream of random numbers is the same everywhere") {
  rung::Random random(5489);  // the standard's default seed, whose 10,000th number it states
  for (int i = 0; i < 9999; ++i) random.uniform();
  CHECK(random.uniform() == static_cast<double>(9981545732273789042ULL >> 11) * 0x1p-53);
}

TEST_CASE("same seed, same tokens, and temperature 0 asks nothing of the seed") {
  rung::Sampler a({.temperature = 1, .seed = 9}), b({.temperature = 1, .seed = 9}),
      c({.temperature = 1, .seed = 10});
  std::vector<std::int32_t> from_a, from_b, from_c;
  for (int i = 0; i < 50; ++i) {
    from_a.push_back(a.sample(logits, {}));
    from_b.push_back(b.sample(logits, {}));
    from_c.push_back(c.sample(logits, {}));
  }
  CHECK(from_a == from_b);
  CHECK(from_a != from_c);
  rung::Sampler greedy({.temperature = 0, .seed = 3});
  CHECK(greedy.sample(logits, {}) == 2);
}

TEST_CASE("options out of their range are refused by name") {
  const auto message = [](const rung::SamplerOptions& options) -> std::string {
    try {
      rung::Sampler sampler(options);
    } catch (const rung::Error& error) {
      return error.what();
    }
    return "";
  };
  CHECK(message({.temperature = -1}).find("--temperature") == 0);
  CHECK(message({.temperature = NAN}).find("--temperature") == 0);
  CHECK(message({.top_k = 0}).find("--top-k") == 0);
  CHECK(message({.top_p = 0.0}).find("--top-p") == 0);
  CHECK(message({.top_p = 1.5}).find("--top-p") == 0);
  CHECK(message({.min_p = -0.1}).find("--min-p") == 0);
  CHECK(message({.repetition_penalty = 0}).find("--repetition-penalty") == 0);
  CHECK(message({.temperature = 1, .top_k = 1, .top_p = 1.0, .min_p = 1.0}).empty());
}

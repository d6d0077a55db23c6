#include <algorithm>
#include <cmath>
#include <cstddef>
#include <functional>
#include <limits>

#include "core/check/functions/sampling.h"
#include "core/oracle/sampling.h"

namespace rung::check {
namespace {

using Output = TokenProbabilities;

constexpr float minus_infinity = -std::numeric_limits<float>::infinity();

/// So many that sorting does not happen to keep the order of equals, as it does with a few.
std::vector<float> many_ties() {
  std::vector<float> logits;
  logits.reserve(64);
  for (int i = 0; i < 64; ++i) logits.push_back(static_cast<float>(i * i % 7 % 3));
  return logits;
}

/// One place of the function, wrong; the rest as it should be.
struct Wrong {
  std::function<double(double logit, double temperature)> exponent = [](double logit, double temperature) {
    return logit / temperature;
  };
  bool subtract_largest = true;
  bool largest_starts_at_zero = false;
  bool divide_by_sum = true;
  bool divide_by_temperature = false;  ///< the probabilities
  bool sort = true, falling = true;
  bool masked_stay = true;             ///< choices of probability 0
  bool ties_to_lower = true;           ///< in the order
  bool ties_as_they_fall = false;      ///< in the order: left to the sorting
  bool greedy_takes_lowest = true;     ///< of equals
  bool greedy_starts_at_zero = false;  ///< as if there were a logit of 0 before the first
  bool greedy_by_magnitude = false;
};

Output greedy(const std::vector<float>& logits, const Wrong& wrong) {
  float largest = wrong.greedy_starts_at_zero ? 0 : minus_infinity;
  std::size_t best = 0;
  for (std::size_t token = 0; token < logits.size(); ++token) {
    const float logit = wrong.greedy_by_magnitude ? std::abs(logits[token]) : logits[token];
    const bool better = wrong.greedy_takes_lowest ? logit > largest : logit >= largest;
    if (!better) continue;
    best = token;
    largest = logit;
  }
  return {{static_cast<std::int32_t>(best)}, {1}};
}

Output variant(const DistributionInput& input, const Wrong& wrong) {
  if (input.temperature == 0) return greedy(input.logits, wrong);
  std::vector<double> exponents;
  exponents.reserve(input.logits.size());
  for (const float logit : input.logits)
    exponents.push_back(wrong.exponent(static_cast<double>(logit), input.temperature));
  double largest = wrong.subtract_largest ? *std::ranges::max_element(exponents) : 0;
  if (wrong.largest_starts_at_zero) largest = std::max(largest, 0.0);
  std::vector<double> weights;
  double sum = 0;
  for (const double exponent : exponents) sum += weights.emplace_back(std::exp(exponent - largest));
  for (double& weight : weights) {
    if (wrong.divide_by_sum) weight /= sum;
    if (wrong.divide_by_temperature) weight /= input.temperature;
  }
  Output result;
  for (std::size_t token = 0; token < weights.size(); ++token) {
    if (wrong.masked_stay || input.logits[token] != minus_infinity)
      result.tokens.push_back(static_cast<std::int32_t>(token));
  }
  if (wrong.sort) {
    std::ranges::sort(result.tokens, [&](std::int32_t a, std::int32_t b) {
      const double weight_a = weights[static_cast<std::size_t>(a)];
      const double weight_b = weights[static_cast<std::size_t>(b)];
      if (wrong.ties_as_they_fall) return weight_a > weight_b;
      if (weight_a != weight_b) return wrong.falling ? weight_a > weight_b : weight_a < weight_b;
      return wrong.ties_to_lower ? a < b : a > b;
    });
  }
  for (const std::int32_t token : result.tokens)
    result.probabilities.push_back(weights[static_cast<std::size_t>(token)]);
  return result;
}

std::function<Output(const DistributionInput&)> with(const std::function<void(Wrong&)>& change) {
  Wrong wrong;
  change(wrong);
  return [wrong](const DistributionInput& input) { return variant(input, wrong); };
}

}  // namespace

FunctionCheck<DistributionInput, TokenProbabilities> distribution_check() {
  FunctionCheck<DistributionInput, Output> check;
  check.name = "distribution";
  check.chapter = 5;
  check.what = "softmax of logits by temperature, likeliest first; temperature 0 is greedy";
  check.cases = {
      {"one", "distribution: one logit of -3, temperature 1", {{-3}, 1}},
      {"three", "distribution: logits 0, 2, 1, temperature 1", {{0, 2, 1}, 1}},
      {"cold", "distribution: logits 0, 2, 1, temperature 0.5", {{0, 2, 1}, 0.5}},
      {"hot", "distribution: logits 0, 2, 1, temperature 4", {{0, 2, 1}, 4}},
      {"ties", "distribution: logits 1, 3, 1, 3, temperature 2", {{1, 3, 1, 3}, 2}},
      {"many-ties", "distribution: 64 logits, of which each is 0, 1 or 2, temperature 1", {many_ties(), 1}},
      {"masked",
       "distribution: logits -infinity, 1, -infinity, 2, temperature 0.7",
       {{minus_infinity, 1, minus_infinity, 2}, 0.7}},
      {"large", "distribution: logits 1000, 1001, 999, temperature 1", {{1000, 1001, 999}, 1}},
      {"nearly-greedy", "distribution: logits 20, 19.9, 19.8, temperature 0.01", {{20, 19.9F, 19.8F}, 0.01}},
      {"far-below", "distribution: logits -1000, -1001, -999, temperature 1", {{-1000, -1001, -999}, 1}},
      {"greedy", "greedy: logits 0, 2, 1", {{0, 2, 1}, 0}},
      {"greedy-ties", "greedy: logits 1, 3, 1, 3", {{1, 3, 1, 3}, 0}},
      {"greedy-negative", "greedy: logits -3, -2, -5", {{-3, -2, -5}, 0}},
      {"greedy-masked",
       "greedy: logits -infinity, -2, -infinity, -3",
       {{minus_infinity, -2, minus_infinity, -3}, 0}},
  };
  check.oracle = [](const DistributionInput& input) {
    return oracle::distribution(std::vector<double>(input.logits.begin(), input.logits.end()),
                                input.temperature);
  };
  check.mistakes = {
      {"multiplied_by_temperature",
       "logits multiplied by the temperature, which flattens where it should sharpen; divide them",
       with([](Wrong& wrong) {
         wrong.exponent = [](double logit, double temperature) { return logit * temperature; };
       })},
      {"temperature_ignored",
       "the temperature has no effect, as when probabilities are divided by it and normalised again; divide "
       "the "
       "logits, before the softmax",
       with([](Wrong& wrong) { wrong.exponent = [](double logit, double) { return logit; }; })},
      {"temperature_after_softmax",
       "probabilities divided by the temperature, so that they do not sum to 1; divide the logits, before "
       "the "
       "softmax",
       with([](Wrong& wrong) {
         wrong.exponent = [](double logit, double) { return logit; };
         wrong.divide_by_temperature = true;
       })},
      {"maximum_not_subtracted",
       "exp() of logits as they are, which overflows; subtract the largest from all of them first",
       with([](Wrong& wrong) { wrong.subtract_largest = false; })},
      {"largest_starts_at_zero",
       "the search for the largest logit begins at 0, which is none of them; where all are far below it "
       "every "
       "exponential is 0",
       with([](Wrong& wrong) { wrong.largest_starts_at_zero = true; })},
      {"not_normalised", "the exponentials are not divided by their sum, so they do not sum to 1",
       with([](Wrong& wrong) { wrong.divide_by_sum = false; })},
      {"not_sorted", "choices in the order of the tokens; the likeliest has to come first",
       with([](Wrong& wrong) { wrong.sort = false; })},
      {"likeliest_last", "choices from the least likely on; the likeliest has to come first",
       with([](Wrong& wrong) { wrong.falling = false; })},
      {"masked_left_out", "tokens of logit -infinity left out; they get probability 0 and stay in the list",
       with([](Wrong& wrong) { wrong.masked_stay = false; })},
      {"ties_left_to_the_sorting",
       "sorted by probability alone, which leaves equally likely tokens in any order; of two the lower comes "
       "first",
       with([](Wrong& wrong) { wrong.ties_as_they_fall = true; })},
      {"ties_to_the_higher", "of equally likely tokens the higher one comes first; the lower one has to",
       with([](Wrong& wrong) {
         wrong.ties_to_lower = false;
         wrong.greedy_takes_lowest = false;
       })},
      {"order_ties_to_the_higher",
       "distribution() puts the higher of equally likely tokens first; the lower one has to come first",
       with([](Wrong& wrong) { wrong.ties_to_lower = false; })},
      {"greedy_ties_to_the_higher",
       "greedy() takes the last of equal logits, as >= does; it has to take the lowest token",
       with([](Wrong& wrong) { wrong.greedy_takes_lowest = false; })},
      {"greedy_starts_at_zero",
       "greedy() looks for a logit above 0 and finds none where all are negative; start with the first logit",
       with([](Wrong& wrong) { wrong.greedy_starts_at_zero = true; })},
      {"greedy_by_magnitude",
       "greedy() looks for the logit that is farthest from 0, with its sign left out; -5 is less than -2",
       with([](Wrong& wrong) { wrong.greedy_by_magnitude = true; })},
  };
  // Wide enough for exponentials in fp32.
  check.same = [](const Output& found, const Output& expected) {
    return same_choices(found, expected, 1e-5);
  };
  check.show = show_choices;
  return check;
}

}  // namespace rung::check

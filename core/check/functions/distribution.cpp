#include <algorithm>
#include <cmath>
#include <cstddef>
#include <functional>
#include <limits>
#include <string>

#include "core/check/functions/sampling.h"
#include "core/error.h"
#include "core/oracle/sampling.h"

namespace rung::check {
namespace {

using Output = TokenProbabilities;

constexpr float infinity = std::numeric_limits<float>::infinity();
constexpr float minus_infinity = -infinity;
constexpr float lowest = std::numeric_limits<float>::lowest();
constexpr float nan = std::numeric_limits<float>::quiet_NaN();
// Exponentials in fp32 are 1e-8 off and more, those in fp64 1e-12 and less, however one gets to them.
constexpr double tolerance = 1e-10;

/// What stands for any answer where there has to be an error.
Output not_refused() {
  return {{-1}, {1}};
}

/// A vocabulary that is larger than what looking at the likeliest few would need. No two are equal.
std::vector<float> many_logits() {
  std::vector<float> logits;
  logits.reserve(600);
  for (int i = 0; i < 600; ++i) logits.push_back(static_cast<float>(i * 7919 % 600) / 64);
  return logits;
}

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
  /// A weight from its exponent, the largest one subtracted.
  std::function<double(double)> weight = [](double x) { return std::exp(x); };
  bool float_difference = false;  ///< of the logit and the largest one
  bool float_sum = false;
  bool subtract_largest = true;
  bool largest_starts_at_zero = false;
  bool divide_by_sum = true;
  bool divide_by_temperature = false;  ///< the probabilities
  bool sort = true, falling = true;
  bool masked_stay = true;              ///< choices of probability 0
  bool ties_to_lower = true;            ///< in the order
  bool ties_as_they_fall = false;       ///< in the order: left to the sorting
  bool greedy_takes_lowest = true;      ///< of equals
  float greedy_start = minus_infinity;  ///< as if there were such a logit before the first
  bool greedy_by_magnitude = false;
  bool refuses_bad = true, refuses_infinite = true, greedy_refuses_infinite = false;
};

Output greedy(const std::vector<float>& logits, const Wrong& wrong) {
  float largest = wrong.greedy_start;
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

/// No row of logits at all.
bool is_bad(const std::vector<float>& logits) {
  return logits.empty() || std::ranges::any_of(logits, [](float logit) { return std::isnan(logit); });
}

bool is_infinite(const std::vector<float>& logits) {
  return !is_bad(logits) && !std::isfinite(std::ranges::max(logits));
}

bool must_refuse(const DistributionInput& input) {
  return is_bad(input.logits) || (input.temperature > 0 && is_infinite(input.logits));
}

Output variant(const DistributionInput& input, const Wrong& wrong) {
  const bool infinite = input.temperature > 0 ? wrong.refuses_infinite : wrong.greedy_refuses_infinite;
  if ((wrong.refuses_bad && is_bad(input.logits)) || (infinite && is_infinite(input.logits))) return {};
  if (must_refuse(input)) return not_refused();
  if (input.temperature == 0) return greedy(input.logits, wrong);
  std::vector<double> exponents;
  exponents.reserve(input.logits.size());
  for (const float logit : input.logits)
    exponents.push_back(wrong.exponent(static_cast<double>(logit), input.temperature));
  double largest = wrong.subtract_largest ? *std::ranges::max_element(exponents) : 0;
  if (wrong.largest_starts_at_zero) largest = std::max(largest, 0.0);
  if (wrong.float_difference) {
    const float top = std::ranges::max(input.logits);
    for (std::size_t i = 0; i < exponents.size(); ++i)
      exponents[i] = largest + wrong.exponent(static_cast<double>(input.logits[i] - top), input.temperature);
  }
  std::vector<double> weights;
  double sum = 0;
  for (const double exponent : exponents) {
    sum += weights.emplace_back(wrong.weight(exponent - largest));
    if (wrong.float_sum) sum = static_cast<double>(static_cast<float>(sum));
  }
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

/// Logits, quotients, exponentials and their sum in fp32.
Output all_in_float(const DistributionInput& input) {
  if (input.temperature == 0 || must_refuse(input)) return variant(input, {});
  const float largest = std::ranges::max(input.logits);
  float sum = 0;
  std::vector<float> weights;
  for (const float logit : input.logits)
    sum += weights.emplace_back(std::exp((logit - largest) / static_cast<float>(input.temperature)));
  Output result = variant(input, {});
  for (std::size_t i = 0; i < result.tokens.size(); ++i)
    result.probabilities[i] =
        static_cast<double>(weights[static_cast<std::size_t>(result.tokens[i])]) / static_cast<double>(sum);
  return result;
}

}  // namespace

TokenProbabilities judge_refusal(const DistributionInput& input,
                                 const std::function<TokenProbabilities()>& answer) {
  if (!input.doubtful) return answer();
  try {
    Output given = answer();
    return must_refuse(input) ? not_refused() : given;
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::bad_input) throw;
    return {};
  }
}

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
      {"decimals", "distribution: logits 0.1, 17.3, -2.7, temperature 0.9", {{0.1F, 17.3F, -2.7F}, 0.9}},
      {"ties", "distribution: logits 1, 3, 1, 3, temperature 2", {{1, 3, 1, 3}, 2}},
      {"many-ties", "distribution: 64 logits, of which each is 0, 1 or 2, temperature 1", {many_ties(), 1}},
      {"masked",
       "distribution: logits -infinity, 1, -infinity, 2, temperature 0.7",
       {{minus_infinity, 1, minus_infinity, 2}, 0.7}},
      {"large", "distribution: logits 1000, 1001, 999, temperature 1", {{1000, 1001, 999}, 1}},
      {"nearly-greedy", "distribution: logits 20, 19.9, 19.8, temperature 0.01", {{20, 19.9F, 19.8F}, 0.01}},
      {"far-below", "distribution: logits -1000, -1001, -999, temperature 1", {{-1000, -1001, -999}, 1}},
      {"many",
       "distribution: 600 logits from 0 to 9.4, no two of them equal, temperature 1",
       {many_logits(), 1}},
      {"nan", "distribution: logits 1, NaN, 2, temperature 1", {{1, nan, 2}, 1, true}},
      {"infinite", "distribution: logits 1, +infinity, 2, temperature 1", {{1, infinity, 2}, 1, true}},
      {"all-masked",
       "distribution: logits -infinity, -infinity, temperature 1",
       {{minus_infinity, minus_infinity}, 1, true}},
      {"no-logits", "distribution: no logits, temperature 1", {{}, 1, true}},
      {"greedy", "greedy: logits 0, 2, 1", {{0, 2, 1}, 0}},
      {"greedy-ties", "greedy: logits 1, 3, 1, 3", {{1, 3, 1, 3}, 0}},
      {"greedy-negative", "greedy: logits -3, -2, -5", {{-3, -2, -5}, 0}},
      {"greedy-masked",
       "greedy: logits -infinity, -2, -infinity, -3",
       {{minus_infinity, -2, minus_infinity, -3}, 0}},
      {"greedy-far-below", "greedy: logits -2000, -1500, -3000", {{-2000, -1500, -3000}, 0}},
      {"greedy-lowest",
       "greedy: logits -infinity and the lowest finite fp32, -3.4e38, with which some mask",
       {{minus_infinity, lowest}, 0}},
      {"greedy-all-masked",
       "greedy: logits -infinity, -infinity, of which the first is the largest",
       {{minus_infinity, minus_infinity}, 0, true}},
      {"greedy-infinite", "greedy: logits 1, +infinity, 2", {{1, infinity, 2}, 0, true}},
      {"greedy-nan", "greedy: logits 1, NaN, 2", {{1, nan, 2}, 0, true}},
      {"greedy-no-logits", "greedy: no logits", {{}, 0, true}},
  };
  check.oracle = [](const DistributionInput& input) {
    if (must_refuse(input)) return Output{};
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
      {"weights_in_float",
       "exponentials kept in fp32, which rounds each to 24 bits; all of it is computed in double",
       with([](Wrong& wrong) {
         wrong.weight = [](double exponent) {
           return static_cast<double>(static_cast<float>(std::exp(exponent)));
         };
       })},
      {"exponentials_in_float", "exponentials of fp32 numbers, in fp32; all of it is computed in double",
       with([](Wrong& wrong) {
         wrong.weight = [](double exponent) {
           return static_cast<double>(std::exp(static_cast<float>(exponent)));
         };
       })},
      {"difference_in_float",
       "a logit less the largest one rounded to fp32, as float less float is; make them double first",
       with([](Wrong& wrong) { wrong.float_difference = true; })},
      {"sum_in_float",
       "the exponentials summed in fp32, so that the probabilities do not sum to 1; sum them in double",
       with([](Wrong& wrong) { wrong.float_sum = true; })},
      {"all_in_float", "quotients, exponentials and their sum in fp32; all of it is computed in double",
       all_in_float},
      {"nothing_refused",
       "no Error for logits of which there is none, or one is NaN, or the largest is infinite; leave the "
       "calls of "
       "refuse_bad and refuse_infinite first",
       with([](Wrong& wrong) { wrong.refuses_bad = wrong.refuses_infinite = false; })},
      {"infinite_not_refused",
       "distribution() takes a row whose largest logit is infinite, which makes NaN of all; refuse_infinite "
       "has to see "
       "the largest",
       with([](Wrong& wrong) { wrong.refuses_infinite = false; })},
      {"greedy_refuses_infinite",
       "greedy() refuses a row whose largest logit is infinite; it only compares, and that is no trouble",
       with([](Wrong& wrong) { wrong.greedy_refuses_infinite = true; })},
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
       with([](Wrong& wrong) { wrong.greedy_start = 0; })},
      {"greedy_starts_far_below",
       "greedy() begins its search at a number such as -1000, and finds none where all logits are lower; "
       "start with the "
       "first logit",
       with([](Wrong& wrong) { wrong.greedy_start = -1000; })},
      {"greedy_starts_at_a_number",
       "greedy() begins its search at a finite number, such as the lowest fp32, and misses a logit that is "
       "no larger; "
       "start with the first logit",
       with([](Wrong& wrong) { wrong.greedy_start = lowest; })},
      {"greedy_by_magnitude",
       "greedy() looks for the logit that is farthest from 0, with its sign left out; -5 is less than -2",
       with([](Wrong& wrong) { wrong.greedy_by_magnitude = true; })},
  };
  check.same = [](const Output& found, const Output& expected) {
    return same_choices(found, expected, tolerance);
  };
  check.show = [](const Output& choices) {
    if (choices.tokens.empty()) return std::string("Error (bad_input)");
    return choices == not_refused() ? "an answer" : show_choices(choices);
  };
  check.difference = [](const Output& found, const Output& expected) {
    return difference_of_choices(found, expected, tolerance);
  };
  return check;
}

}  // namespace rung::check

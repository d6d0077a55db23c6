#include <algorithm>
#include <cstddef>
#include <functional>

#include "core/check/functions/sampling.h"
#include "core/oracle/sampling.h"

namespace rung::check {
namespace {

using oracle::Truncation;
using Output = TokenProbabilities;

/// The first `count`, at least one, normalised or as they are.
Output first(const TokenProbabilities& from, std::size_t count, bool normalise = true) {
  count = std::clamp<std::size_t>(count, 1, from.tokens.size());
  const auto kept = static_cast<std::ptrdiff_t>(count);
  Output result{{from.tokens.begin(), from.tokens.begin() + kept},
                {from.probabilities.begin(), from.probabilities.begin() + kept}};
  double sum = 0;
  for (const double probability : result.probabilities) sum += probability;
  if (normalise) {
    for (double& probability : result.probabilities) probability /= sum;
  }
  return result;
}

std::size_t right_count(const TruncationInput& input) {
  return oracle::truncated(input.from, input.rule, input.value).tokens.size();
}

/// How many top-p keeps when it goes on while `goes_on` says so of the sums without and with the next token.
std::function<Output(const TruncationInput&)> top_p_while(
    const std::function<bool(double without, double with, double p)>& goes_on) {
  return [goes_on](const TruncationInput& input) {
    if (input.rule != Truncation::top_p) return first(input.from, right_count(input));
    double sum = 0;
    std::size_t count = 0;
    for (const double probability : input.from.probabilities) {
      if (!goes_on(sum, sum + probability, input.value)) break;
      sum += probability;
      ++count;
    }
    return first(input.from, count);
  };
}

/// How many min-p keeps by another test.
std::function<Output(const TruncationInput&)> min_p_keeping(
    const std::function<bool(double probability, double largest, double share)>& keeps) {
  return [keeps](const TruncationInput& input) {
    if (input.rule != Truncation::min_p) return first(input.from, right_count(input));
    const auto& probabilities = input.from.probabilities;
    return first(input.from, static_cast<std::size_t>(std::ranges::count_if(probabilities, [&](double one) {
                   return keeps(one, probabilities.front(), input.value);
                 })));
  };
}

/// Top-p with its sum in fp32, and p too or not.
std::function<Output(const TruncationInput&)> top_p_in_float(bool p_too) {
  return [p_too](const TruncationInput& input) {
    if (input.rule != Truncation::top_p) return first(input.from, right_count(input));
    const double p = p_too ? static_cast<double>(static_cast<float>(input.value)) : input.value;
    float sum = 0;
    std::size_t count = 0;
    while (count < input.from.tokens.size() && static_cast<double>(sum) < p)
      sum = static_cast<float>(static_cast<double>(sum) + input.from.probabilities[count++]);
    return first(input.from, count);
  };
}

/// What is kept, divided by its sum in fp32.
Output normalised_in_float(const TruncationInput& input) {
  Output result = first(input.from, right_count(input), false);
  float sum = 0;
  for (const double probability : result.probabilities)
    sum = static_cast<float>(static_cast<double>(sum) + probability);
  for (double& probability : result.probabilities) probability /= static_cast<double>(sum);
  return result;
}

/// The rules of these leave out choices of probability 0.
std::function<Output(const TruncationInput&)> without_zeros(bool top_k, bool min_p) {
  return [top_k, min_p](const TruncationInput& input) {
    Output result = first(input.from, right_count(input));
    if (input.rule == Truncation::top_k ? !top_k : input.rule != Truncation::min_p || !min_p) return result;
    while (result.probabilities.back() == 0) {
      result.tokens.pop_back();
      result.probabilities.pop_back();
    }
    return result;
  };
}

/// Equally likely tokens, so many that their sums are exact.
TokenProbabilities equal_512() {
  TokenProbabilities all{{}, std::vector<double>(512, 1.0 / 512)};
  for (std::int32_t token = 0; token < 512; ++token) all.tokens.push_back(token);
  return all;
}

Output top_k_with_ties(const TruncationInput& input) {
  std::size_t count = right_count(input);
  const auto& probabilities = input.from.probabilities;
  while (input.rule == Truncation::top_k && count < probabilities.size() &&
         probabilities[count] == probabilities[count - 1]) {
    ++count;
  }
  return first(input.from, count);
}

/// k beyond the list's end: choices that nobody put there, token 0 of probability 0.
Output top_k_fills_up(const TruncationInput& input) {
  Output result = oracle::truncated(input.from, input.rule, input.value);
  if (input.rule != Truncation::top_k) return result;
  while (result.tokens.size() < static_cast<std::size_t>(input.value)) {
    result.tokens.push_back(0);
    result.probabilities.push_back(0);
  }
  return result;
}

}  // namespace

FunctionCheck<TruncationInput, TokenProbabilities> truncation_check() {
  // Powers of two: their sums are exact in any order, so that a sum can be just what p asks for.
  const TokenProbabilities halves{{2, 0, 3, 1, 4}, {0.5, 0.25, 0.125, 0.0625, 0.0625}};
  const TokenProbabilities ten{{0, 1, 2, 3, 4, 5, 6, 7, 8, 9}, std::vector<double>(10, 0.1)};
  const TokenProbabilities flat{{0, 1, 2, 3}, {0.25, 0.25, 0.25, 0.25}};
  const TokenProbabilities uneven{{1, 4, 0, 2, 3}, {0.4, 0.3, 0.15, 0.1, 0.05}};
  const TokenProbabilities zeros{{1, 0, 2, 3}, {0.75, 0.25, 0, 0}};
  const TokenProbabilities many = equal_512();
  FunctionCheck<TruncationInput, Output> check;
  check.name = "truncation";
  check.chapter = 5;
  check.what = "top-k, top-p and min-p: which of the likeliest are kept, summing to 1 again";
  check.cases = {
      {"top-k-all",
       "top_k, k = 5 of 2: 0.5, 0: 0.25, 3: 0.125, 1: 0.0625, 4: 0.0625",
       {Truncation::top_k, 5, halves}},
      {"top-k", "top_k, k = 2 of 1: 0.4, 4: 0.3, 0: 0.15, 2: 0.1, 3: 0.05", {Truncation::top_k, 2, uneven}},
      {"top-k-one",
       "top_k, k = 1 of 1: 0.4, 4: 0.3, 0: 0.15, 2: 0.1, 3: 0.05",
       {Truncation::top_k, 1, uneven}},
      {"top-k-ties", "top_k, k = 3 of 0: 0.25, 1: 0.25, 2: 0.25, 3: 0.25", {Truncation::top_k, 3, flat}},
      {"top-k-more", "top_k, k = 100 of 0: 0.25, 1: 0.25, 2: 0.25, 3: 0.25", {Truncation::top_k, 100, flat}},
      {"top-k-zeros", "top_k, k = 3 of 1: 0.75, 0: 0.25, 2: 0, 3: 0", {Truncation::top_k, 3, zeros}},
      {"top-k-many", "top_k, k = 384 of 512 tokens with 1/512 each", {Truncation::top_k, 384, many}},
      {"top-p",
       "top_p, p = 0.6 of 1: 0.4, 4: 0.3, 0: 0.15, 2: 0.1, 3: 0.05",
       {Truncation::top_p, 0.6, uneven}},
      {"top-p-small",
       "top_p, p = 0.2 of 1: 0.4, 4: 0.3, 0: 0.15, 2: 0.1, 3: 0.05",
       {Truncation::top_p, 0.2, uneven}},
      {"top-p-reached",
       "top_p, p = 0.75, just reached, of 2: 0.5, 0: 0.25, 3: 0.125, 1: 0.0625, 4: 0.0625",
       {Truncation::top_p, 0.75, halves}},
      {"top-p-one",
       "top_p, p = 1 of 2: 0.5, 0: 0.25, 3: 0.125, 1: 0.0625, 4: 0.0625",
       {Truncation::top_p, 1, halves}},
      {"top-p-never-reached",
       "top_p, p = 1 of ten tokens with 0.1 each, whose sum in fp64 is just below 1",
       {Truncation::top_p, 1, ten}},
      {"top-p-reached-by-little",
       "top_p, p = 0.699999995 of 1: 0.4, 4: 0.3, 0: 0.15, 2: 0.1, 3: 0.05",
       {Truncation::top_p, 0.699999995, uneven}},
      {"top-p-missed-by-little",
       "top_p, p = 0.700000005 of 1: 0.4, 4: 0.3, 0: 0.15, 2: 0.1, 3: 0.05",
       {Truncation::top_p, 0.700000005, uneven}},
      {"top-p-many", "top_p, p = 0.75 of 512 tokens with 1/512 each", {Truncation::top_p, 0.75, many}},
      {"min-p",
       "min_p, share = 0.3 of 1: 0.4, 4: 0.3, 0: 0.15, 2: 0.1, 3: 0.05",
       {Truncation::min_p, 0.3, uneven}},
      {"min-p-equal",
       "min_p, share = 0.25, of the likeliest just 0.125, of 2: 0.5, 0: 0.25, 3: 0.125, 1: 0.0625, 4: 0.0625",
       {Truncation::min_p, 0.25, halves}},
      {"min-p-zero",
       "min_p, share = 0 of 1: 0.4, 4: 0.3, 0: 0.15, 2: 0.1, 3: 0.05",
       {Truncation::min_p, 0, uneven}},
      {"min-p-zeros", "min_p, share = 0 of 1: 0.75, 0: 0.25, 2: 0, 3: 0", {Truncation::min_p, 0, zeros}},
      {"min-p-many", "min_p, share = 1 of 512 tokens with 1/512 each", {Truncation::min_p, 1, many}},
      {"min-p-one", "min_p, share = 1 of 0: 0.25, 1: 0.25, 2: 0.25, 3: 0.25", {Truncation::min_p, 1, flat}},
  };
  check.oracle = [](const TruncationInput& input) {
    return oracle::truncated(input.from, input.rule, input.value);
  };
  check.mistakes = {
      {"not_normalised", "what is kept does not sum to 1 again; divide it by its sum",
       [](const TruncationInput& input) { return first(input.from, right_count(input), false); }},
      {"top_p_drops_the_crossing",
       "top-p leaves out the token with which the sum reaches p, so that less than p is kept; that token "
       "stays",
       top_p_while([](double, double with, double p) { return with < p; })},
      {"top_p_at_most_p",
       "top-p keeps tokens while their sum is at most p, so that less than p is kept; it is done when the "
       "sum has "
       "reached p",
       top_p_while([](double, double with, double p) { return with <= p; })},
      {"top_p_one_more_when_equal",
       "top-p goes on when the sum is equal to p, and keeps one token too many; p has been reached",
       top_p_while([](double without, double, double p) { return without <= p; })},
      {"min_p_absolute",
       "min-p compares probabilities with the share itself; compare them with the share times the largest "
       "one",
       min_p_keeping([](double probability, double, double share) { return probability >= share; })},
      {"min_p_drops_equal",
       "min-p drops tokens that are just as likely as they have to be; at least the share is enough",
       min_p_keeping(
           [](double probability, double largest, double share) { return probability > share * largest; })},
      {"top_p_sum_in_float",
       "top-p's sum kept in fp32, which is 1e-8 off and keeps one token too many or too few; sum in double",
       top_p_in_float(false)},
      {"top_p_in_float",
       "top-p compares in fp32, which cannot tell sums from p that are nearer than 6e-8; use double",
       top_p_in_float(true)},
      {"normalised_in_float",
       "what is kept divided by its sum in fp32, so that it does not sum to 1 again; sum in double",
       normalised_in_float},
      {"zeros_dropped",
       "top-k and min-p drop choices of probability 0; the first k are kept whatever they have, and 0 is "
       "enough for a "
       "share of 0",
       without_zeros(true, true)},
      {"top_k_drops_zeros", "top-k drops choices of probability 0; the first k are kept, whatever they have",
       without_zeros(true, false)},
      {"min_p_drops_zeros", "min-p drops choices of probability 0; with a share of 0 that is enough",
       without_zeros(false, true)},
      {"top_k_keeps_ties",
       "top-k keeps more than k, all that are as likely as the k-th; of equals the lower tokens stay",
       top_k_with_ties},
      {"top_k_fills_up", "top-k makes the list longer where it has fewer than k; keep all that there are",
       top_k_fills_up},
      {"top_p_one_less",
       "top-p keeps the tokens before the one at which the loop stopped and drops one that p needs; that one "
       "counts too",
       [](const TruncationInput& input) {
         const std::size_t right = right_count(input);
         return first(input.from, input.rule == Truncation::top_p ? right - 1 : right);
       }},
  };
  check.same = [](const Output& found, const Output& expected) {
    return same_choices(found, expected, 1e-9);
  };
  check.show = show_choices;
  check.difference = [](const Output& found, const Output& expected) {
    return difference_of_choices(found, expected, 1e-9);
  };
  return check;
}

}  // namespace rung::check

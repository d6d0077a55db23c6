#include <algorithm>
#include <cmath>
#include <cstddef>
#include <functional>
#include <random>
#include <string>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "core/check/chi_square.h"
#include "core/check/functions/sampling.h"
#include "core/oracle/sampling.h"

namespace rung::check {
namespace {

// Up to here draws are compared one by one.
constexpr int few = 20;
// A right sampler is thought wrong once in a thousand seeds; the seed is fixed.
constexpr double least_tail = 0.001;

/// The numbers of the chapter's Random of that seed.
class Numbers {
 public:
  explicit Numbers(std::uint64_t seed) : engine_(seed) {}
  double next() { return static_cast<double>(engine_() >> 11) * 0x1p-53; }

 private:
  std::mt19937_64 engine_;
};

using DrawOne = std::function<std::int32_t(const TokenProbabilities&, Numbers&)>;

std::function<Draws(const DrawInput&)> drawing(const DrawOne& draw_one) {
  return [draw_one](const DrawInput& input) {
    Numbers numbers(input.seed);
    std::vector<std::int32_t> tokens;
    tokens.reserve(static_cast<std::size_t>(input.draws));
    for (int i = 0; i < input.draws; ++i) tokens.push_back(draw_one(input.from, numbers));
    return judge_draws(input, std::move(tokens), numbers.next());
  };
}

std::int32_t includes_the_border(const TokenProbabilities& from, Numbers& numbers) {
  const double u = numbers.next();
  double cumulative = 0;
  for (std::size_t i = 0; i < from.tokens.size(); ++i) {
    if (from.probabilities[i] == 0) continue;
    cumulative += from.probabilities[i];
    if (u <= cumulative) return from.tokens[i];
  }
  return oracle::drawn(from, 1);
}

std::int32_t in_order_of_tokens(const TokenProbabilities& from, Numbers& numbers) {
  TokenProbabilities sorted;
  const std::int32_t largest = *std::ranges::max_element(from.tokens);
  for (std::int32_t token = 0; token <= largest; ++token) {
    const auto at = std::ranges::find(from.tokens, token);
    if (at == from.tokens.end()) continue;
    sorted.tokens.push_back(token);
    sorted.probabilities.push_back(from.probabilities[static_cast<std::size_t>(at - from.tokens.begin())]);
  }
  return oracle::drawn(sorted, numbers.next());
}

std::int32_t gap_to_the_last(const TokenProbabilities& from, Numbers& numbers) {
  const double u = numbers.next();
  double cumulative = 0;
  for (std::size_t i = 0; i < from.tokens.size(); ++i) {
    cumulative += from.probabilities[i];
    if (u < cumulative) return from.tokens[i];
  }
  return from.tokens.back();
}

std::int32_t gap_to_the_first(const TokenProbabilities& from, Numbers& numbers) {
  const double u = numbers.next();
  double cumulative = 0;
  for (const double probability : from.probabilities) cumulative += probability;
  return u < cumulative ? oracle::drawn(from, u) : from.tokens.front();
}

std::int32_t scaled_by_the_sum(const TokenProbabilities& from, Numbers& numbers) {
  double sum = 0;
  for (const double probability : from.probabilities) sum += probability;
  return oracle::drawn(from, numbers.next() * sum);
}

std::int32_t in_float(const TokenProbabilities& from, Numbers& numbers) {
  const auto u = static_cast<float>(numbers.next());
  float cumulative = 0;
  std::int32_t last = from.tokens.front();
  for (std::size_t i = 0; i < from.tokens.size(); ++i) {
    if (from.probabilities[i] == 0) continue;
    cumulative += static_cast<float>(from.probabilities[i]);
    last = from.tokens[i];
    if (u < cumulative) break;
  }
  return last;
}

std::int32_t sum_in_float(const TokenProbabilities& from, Numbers& numbers) {
  const double u = numbers.next();
  float cumulative = 0;
  std::int32_t last = from.tokens.front();
  for (std::size_t i = 0; i < from.tokens.size(); ++i) {
    if (from.probabilities[i] == 0) continue;
    cumulative = static_cast<float>(static_cast<double>(cumulative) + from.probabilities[i]);
    last = from.tokens[i];
    if (u < static_cast<double>(cumulative)) break;
  }
  return last;
}

std::int32_t number_in_float(const TokenProbabilities& from, Numbers& numbers) {
  return oracle::drawn(from, static_cast<double>(static_cast<float>(numbers.next())));
}

std::int32_t with_a_tolerance(const TokenProbabilities& from, Numbers& numbers) {
  return oracle::drawn(from, numbers.next() + 1e-12);
}

std::int32_t no_number_for_one(const TokenProbabilities& from, Numbers& numbers) {
  return from.tokens.size() == 1 ? from.tokens.front() : oracle::drawn(from, numbers.next());
}

std::int32_t number_for_each_token(const TokenProbabilities& from, Numbers& numbers) {
  double cumulative = 0;
  for (std::size_t i = 0; i < from.tokens.size(); ++i) {
    if (from.probabilities[i] == 0) continue;
    cumulative += from.probabilities[i];
    if (numbers.next() < cumulative) return from.tokens[i];
  }
  return oracle::drawn(from, 1);
}

std::int32_t not_cumulative(const TokenProbabilities& from, Numbers& numbers) {
  const double u = numbers.next();
  for (std::size_t i = 0; i < from.tokens.size(); ++i) {
    if (u < from.probabilities[i]) return from.tokens[i];
  }
  return oracle::drawn(from, 1);
}

std::int32_t uniform(const TokenProbabilities& from, Numbers& numbers) {
  const double u = numbers.next();
  return from.tokens[static_cast<std::size_t>(u * static_cast<double>(from.tokens.size()))];
}

/// "numbers 0.13, 0.84"
std::string numbers_of(std::uint64_t seed, int count) {
  Numbers numbers(seed);
  std::vector<std::string> texts;
  texts.reserve(static_cast<std::size_t>(count));
  for (int i = 0; i < count; ++i) texts.push_back(fmt::format("{:.3f}", numbers.next()));
  return fmt::format("{} {}", count == 1 ? "number" : "numbers", fmt::join(texts, ", "));
}

FunctionCase<DrawInput> one_case(std::string name, const std::string& what, DrawInput input) {
  std::string description = what + ", ";
  description +=
      input.draws > few ? fmt::format("{} draws", input.draws) : numbers_of(input.seed, input.draws);
  return {std::move(name), std::move(description), std::move(input)};
}

bool fits(const Draws& draws) {
  return chi_square_tail(draws.chi_square, draws.degrees) >= least_tail;
}

std::string show_draws(const Draws& draws) {
  if (draws.degrees == 0) return fmt::format("{}, then the number {:.3f}", draws.tokens, draws.next);
  std::vector<std::string> counts;
  for (std::int32_t token = 0; token <= std::ranges::max(draws.tokens); ++token) {
    if (const auto count = std::ranges::count(draws.tokens, token))
      counts.push_back(fmt::format("{}: {}", token, count));
  }
  return fmt::format("counts [{}], chi-square {:.1f} of {} degrees", fmt::join(counts, ", "),
                     draws.chi_square, draws.degrees);
}

}  // namespace

Draws judge_draws(const DrawInput& input, std::vector<std::int32_t> tokens, double next) {
  Draws result{.tokens = std::move(tokens), .next = next};
  if (input.draws <= few) return result;
  std::vector<std::int64_t> counts;
  counts.reserve(input.from.tokens.size());
  for (const std::int32_t token : input.from.tokens)
    counts.push_back(std::ranges::count(result.tokens, token));
  result.chi_square = chi_square(counts, input.from.probabilities);
  result.degrees =
      static_cast<int>(std::ranges::count_if(input.from.probabilities, [](double p) { return p > 0; })) - 1;
  return result;
}

FunctionCheck<DrawInput, Draws> draw_check() {
  const TokenProbabilities three{{2, 0, 1}, {0.5, 0.3, 0.2}};
  const double border = Numbers(3).next();
  const double just_above = std::nextafter(Numbers(4).next(), 1);  // fp32 rounds both down to the same number
  FunctionCheck<DrawInput, Draws> check;
  check.name = "draw";
  check.chapter = 5;
  check.what = "a token by one uniform number: the first whose cumulative probability exceeds it";
  check.cases = {
      one_case("one", "5: 1", {{{5}, {1}}, 1, 1}),
      one_case("three", "2: 0.5, 0: 0.3, 1: 0.2", {three, 2, 8}),
      one_case("zeros", "3: 0.6, 1: 0.4, 0: 0, 2: 0", {{{3, 1, 0, 2}, {0.6, 0.4, 0, 0}}, 4, 8}),
      one_case("border", fmt::format("7: {:.3f}, the very number that comes, 3: the rest", border),
               {{{7, 3}, {border, 1 - border}}, 3, 1}),
      one_case("border-in-double",
               fmt::format("7: {:.3f}, a billionth more than the number that comes, 3: the rest", border),
               {{{7, 3}, {border + 1e-9, 1 - border - 1e-9}}, 3, 1}),
      one_case(
          "border-to-the-last-bit",
          fmt::format("7: {:.3f}, in its last bit more than the number that comes, 3: the rest", just_above),
          {{{7, 3}, {just_above, 1 - just_above}}, 4, 1}),
      one_case("gap", "4: 0.25, 1: 0.25, 6: 0, as if rounding had left the sum far below 1",
               {{{4, 1, 6}, {0.25, 0.25, 0}}, 8, 8}),
      one_case("rare", "2: 0.5, 0: 0.3, 1: 0.19, 3: 0.01",
               {{{2, 0, 1, 3}, {0.5, 0.3, 0.19, 0.01}}, 7, 20000}),
      one_case("many", "2: 0.4, 4: 0.3, 0: 0.2, 3: 0.1, 1: 0",
               {{{2, 4, 0, 3, 1}, {0.4, 0.3, 0.2, 0.1, 0}}, 6, 20000}),
  };
  check.oracle = drawing(
      [](const TokenProbabilities& from, Numbers& numbers) { return oracle::drawn(from, numbers.next()); });
  check.mistakes = {
      {"border_included",
       "a number equal to the cumulative probability still gives that token, as <= does, and 0 can give a "
       "token of "
       "probability 0; the number has to be smaller",
       drawing(includes_the_border)},
      {"in_order_of_tokens",
       "cumulates by token instead of likeliest first, so that the same number gives another token; go "
       "through the "
       "distribution as it stands",
       drawing(in_order_of_tokens)},
      {"gap_to_the_last",
       "a number that no cumulative sum exceeds gives the last token, whose probability may be 0; give the "
       "last of "
       "probability above 0",
       drawing(gap_to_the_last)},
      {"gap_to_the_first",
       "a number that no cumulative sum exceeds gives the first token; what is nearest to it is the last of "
       "probability above 0",
       drawing(gap_to_the_first)},
      {"scaled_by_the_sum",
       "the number multiplied by the sum of the list; compare it as it comes, or it gives other tokens where "
       "rounding has left the sum below 1",
       drawing(scaled_by_the_sum)},
      {"in_float",
       "the number or the sums kept in fp32, which cannot tell numbers apart that are nearer than 6e-8; use "
       "double",
       drawing(in_float)},
      {"sum_in_float",
       "the running sum kept in fp32, which rounds it up or down, so that a number near it falls on the "
       "wrong side; use "
       "double",
       drawing(sum_in_float)},
      {"number_in_float", "the number kept in fp32, which moves it by up to 3e-8; compare it as it comes",
       drawing(number_in_float)},
      {"with_a_tolerance",
       "compared with a tolerance; the sum is larger than the number or it is not, to the last bit",
       drawing(with_a_tolerance)},
      {"no_number_for_one",
       "no number taken where there is one choice only, so that every later draw gets another one; one "
       "number for one "
       "draw",
       drawing(no_number_for_one)},
      {"number_for_each_token", "a new random number for each token looked at; one number for one draw",
       drawing(number_for_each_token)},
      {"not_cumulative", "the number compared with each probability alone; compare it with their running sum",
       drawing(not_cumulative)},
      {"uniform", "all tokens are equally likely; a token's share of [0, 1) is its probability",
       drawing(uniform)},
  };
  check.same = [](const Draws& found, const Draws& expected) {
    const bool equal = found.tokens == expected.tokens && found.next == expected.next;
    return equal || (expected.degrees > 0 && fits(found) && fits(expected));
  };
  check.show = show_draws;
  return check;
}

}  // namespace rung::check

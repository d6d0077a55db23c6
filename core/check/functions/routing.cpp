#include "core/check/functions/routing.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <numeric>
#include <span>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "core/check/error_kind.h"
#include "core/check/functions/show.h"
#include "core/error.h"
#include "core/oracle/routing.h"

namespace rung::check {
namespace {

using Input = RoutingInput;
using Result = RoutingResult;
using Numbers = std::vector<double>;

/// What people get wrong. The defaults are right.
struct Habits {
  enum class Rank { score, magnitude, lowest, probability } rank = Rank::score;
  enum class Weight {
    softmax,
    score,
    sigmoid,
    over_rows,
    unshifted,
    softmax_of_softmax
  } weight = Weight::softmax;
  enum class Norm { asked, never, always, by_k, of_several } norm = Norm::asked;
  bool ties_to_higher = false, in_expert_order = false, weights_in_expert_order = false,
       first_row_for_all = false;
  bool k_not_checked = false, minus_infinity_accepted = false;
  bool top_k_left_out = false, top_k_unguarded = false;
  /// By score alone, which leaves the order of equal ones to the library.
  enum class Alone { none, sort, partial_sort, partial_sort_copy } alone = Alone::none;
  /// The highest is looked for k times, with a number for "none" that a score may be below.
  enum class Search { none, mark_taken, begin_from } search = Search::none;
  double number = 0;
};

Numbers row_of(const Input& input, std::int64_t t) {
  const auto first = input.scores.begin() + t * input.experts;
  return {first, first + input.experts};
}

/// The highest so many first, by a comparison that leaves equal ones as they happen to come.
template <typename Key>
std::vector<std::int64_t> ranked_alone(std::vector<std::int64_t> order, std::int64_t used, const Key& key,
                                       Habits::Alone alone) {
  const auto before = [&](std::int64_t a, std::int64_t b) { return key(a) > key(b); };
  if (alone == Habits::Alone::sort) std::sort(order.begin(), order.end(), before);
  if (alone == Habits::Alone::partial_sort)
    std::partial_sort(order.begin(), order.begin() + used, order.end(), before);
  if (alone == Habits::Alone::partial_sort_copy) {
    std::vector<std::int64_t> copy(static_cast<std::size_t>(used));
    std::partial_sort_copy(order.begin(), order.end(), copy.begin(), copy.end(), before);
    return copy;
  }
  return order;
}

/// The highest, looked for so many times.
std::vector<std::int64_t> searched(Numbers left, std::int64_t used, const Habits& habits) {
  std::vector<std::int64_t> order;
  for (std::int64_t i = 0; i < used; ++i) {
    const auto highest = std::ranges::max_element(left);
    const bool begins = habits.search == Habits::Search::begin_from;
    // Where all are below the number, the first expert stays the best.
    order.push_back(begins && *highest <= habits.number ? 0 : highest - left.begin());
    *highest = begins ? -std::numeric_limits<double>::infinity() : habits.number;
  }
  return order;
}

std::vector<std::int64_t> ranked(const Numbers& row, std::int64_t used, const Habits& habits) {
  if (habits.search != Habits::Search::none) return searched(row, used, habits);
  const double highest = *std::max_element(row.begin(), row.end());
  const auto key = [&](std::int64_t e) -> double {
    const double score = row[static_cast<std::size_t>(e)];
    switch (habits.rank) {
      case Habits::Rank::magnitude:
        return std::abs(score);
      case Habits::Rank::lowest:
        return -score;
      case Habits::Rank::probability:
        return static_cast<double>(std::exp(static_cast<float>(score - highest)));
      case Habits::Rank::score:
        break;
    }
    return score;
  };
  std::vector<std::int64_t> order(row.size());
  std::iota(order.begin(), order.end(), 0);
  if (habits.alone != Habits::Alone::none) return ranked_alone(std::move(order), used, key, habits.alone);
  std::ranges::sort(order, [&](std::int64_t a, std::int64_t b) {
    if (key(a) != key(b)) return key(a) > key(b);
    return habits.ties_to_higher ? a > b : a < b;
  });
  return order;
}

/// What each expert of row t weighs before it is chosen.
Numbers weights_of(const Input& input, std::int64_t t, const Habits& habits) {
  const Numbers row = row_of(input, t);
  const std::int64_t rows = static_cast<std::int64_t>(input.scores.size()) / input.experts;
  const double highest = *std::max_element(row.begin(), row.end());
  double sum = 0;
  for (const double score : row) sum += std::exp(score - highest);
  Numbers weights;
  for (std::int64_t e = 0; e < input.experts; ++e) {
    const double score = row[static_cast<std::size_t>(e)];
    switch (habits.weight) {
      case Habits::Weight::softmax:
      case Habits::Weight::softmax_of_softmax:
        weights.push_back(std::exp(score - highest) / sum);
        break;
      case Habits::Weight::score:
        weights.push_back(score);
        break;
      case Habits::Weight::sigmoid:
        weights.push_back(1 / (1 + std::exp(-score)));
        break;
      case Habits::Weight::over_rows: {
        double down = 0;
        for (std::int64_t other = 0; other < rows; ++other)
          down += std::exp(input.scores[static_cast<std::size_t>(other * input.experts + e)] - score);
        weights.push_back(1 / down);
        break;
      }
      case Habits::Weight::unshifted: {
        double all = 0;
        for (const double other : row) all += static_cast<double>(std::exp(static_cast<float>(other)));
        weights.push_back(static_cast<double>(std::exp(static_cast<float>(score))) / all);
        break;
      }
    }
  }
  return weights;
}

Result run(const Input& input, const Habits& habits) {
  const auto refused = [&](double score) {
    return !std::isfinite(score) && !(habits.minus_infinity_accepted && score < 0);
  };
  if (std::ranges::any_of(input.scores, refused))
    return {.refused = habits.top_k_unguarded ? refused_but_by_top_k : "bad_input"};
  if ((input.used < 1 || input.used > input.experts) && !habits.k_not_checked) return {.refused = "usage"};
  const std::int64_t used = std::clamp<std::int64_t>(input.used, 1, input.experts);
  Result result;
  for (std::int64_t t = 0; t < static_cast<std::int64_t>(input.scores.size()) / input.experts; ++t) {
    std::vector<std::int64_t> chosen = ranked(row_of(input, habits.first_row_for_all ? 0 : t), used, habits);
    chosen.resize(static_cast<std::size_t>(used));
    if (habits.in_expert_order) std::ranges::sort(chosen);
    const Numbers all = weights_of(input, t, habits);
    std::vector<std::int64_t> weighed = chosen;
    if (habits.weights_in_expert_order) std::ranges::sort(weighed);
    Numbers weights;
    for (const std::int64_t e : weighed) weights.push_back(all[static_cast<std::size_t>(e)]);
    if (habits.weight == Habits::Weight::softmax_of_softmax) {
      for (double& weight : weights) weight = std::exp(weight);
    }
    const bool normed = habits.norm == Habits::Norm::always ||
                        habits.weight == Habits::Weight::softmax_of_softmax ||
                        (habits.norm != Habits::Norm::never && input.renormalize &&
                         (habits.norm != Habits::Norm::of_several || used > 1));
    const double sum = habits.norm == Habits::Norm::by_k
                           ? static_cast<double>(used)
                           : std::accumulate(weights.begin(), weights.end(), 0.0);
    if (normed) {
      for (double& weight : weights) weight /= sum;
    }
    result.chosen.insert(result.chosen.end(), chosen.begin(), chosen.end());
    result.weights.insert(result.weights.end(), weights.begin(), weights.end());
  }
  if (habits.top_k_unguarded) result.by_top_k = result.chosen;
  if (habits.top_k_left_out) result.by_top_k.assign(result.chosen.size(), -1);
  return result;
}

Result right(const Input& input) {
  if (std::ranges::any_of(input.scores, [](double score) { return !std::isfinite(score); }))
    return {.refused = "bad_input"};
  Result result;
  try {
    for (std::size_t first = 0; first < input.scores.size();
         first += static_cast<std::size_t>(input.experts)) {
      const std::span row(&input.scores[first], static_cast<std::size_t>(input.experts));
      const oracle::Route route = oracle::softmax_top_k(row, input.used, input.renormalize);
      result.chosen.insert(result.chosen.end(), route.chosen.begin(), route.chosen.end());
      result.weights.insert(result.weights.end(), route.weights.begin(), route.weights.end());
    }
  } catch (const Error& error) {
    return {.refused = kind_name(error.kind())};
  }
  result.by_top_k = result.chosen;
  return result;
}

FunctionMistake<Input, Result>::Run wrong(Habits habits) {
  return [habits](const Input& input) { return run(input, habits); };
}

FunctionMistake<Input, Result> mistake(std::string name, std::string sentence, Habits habits) {
  return {std::move(name), std::move(sentence), wrong(habits)};
}

FunctionMistake<Input, Result>::Run searching(Habits::Search search, double number) {
  return wrong({.search = search, .number = number});
}

/// Scores that are all different, without a pattern.
Numbers scattered(std::int64_t count) {
  Numbers scores;
  for (std::int64_t i = 0; i < count; ++i) scores.push_back(static_cast<double>(i * 389 % 1021) / 128 - 4);
  return scores;
}

/// Scores of which many are equal.
Numbers in_fives(std::int64_t count) {
  Numbers scores;
  for (std::int64_t i = 0; i < count; ++i) scores.push_back(static_cast<double>(i * 7 % 5));
  return scores;
}

std::vector<FunctionCase<Input>> cases() {
  constexpr double nan = std::numeric_limits<double>::quiet_NaN();
  constexpr double infinity = std::numeric_limits<double>::infinity();
  return {
      {"one-expert", "E 1, k 1: the score 5", {.experts = 1, .used = 1, .scores = {5}}},
      {"top-1", "E 3, k 1, not renormalised: the scores 0, 2, 1", {3, 1, {0, 2, 1}, false}},
      {"top-1-renormalised", "E 3, k 1, renormalised: the scores 0, 2, 1: the weight 1", {3, 1, {0, 2, 1}}},
      {"top-2", "E 4, k 2: the scores 1, 3, 0, 2", {4, 2, {1, 3, 0, 2}}},
      {"top-2-of-all", "E 4, k 2, not renormalised: the scores 1, 3, 0, 2", {4, 2, {1, 3, 0, 2}, false}},
      {"rows", "E 3, k 2: the scores 2, 1, 0 and 0, 1, 2 and 1, 3, 2", {3, 2, {2, 1, 0, 0, 1, 2, 1, 3, 2}}},
      {"rows-not-renormalised",
       "E 3, k 2, not renormalised: the scores 2, 1, 0 and 0, 1, 2 and 1, 3, 2",
       {3, 2, {2, 1, 0, 0, 1, 2, 1, 3, 2}, false}},
      {"below-zero", "E 4, k 2: the scores -5, -1, -3, -2", {4, 2, {-5, -1, -3, -2}}},
      {"ties", "E 5, k 2: the scores 1, 2, 2, 2, 0: of equal ones the lower expert", {5, 2, {1, 2, 2, 2, 0}}},
      {"all-equal", "E 4, k 3: all scores 0", {4, 3, {0, 0, 0, 0}}},
      {"ties-of-many",
       "E 64, k 8: the score of expert e is 7 e % 5: of equal ones the lower expert, where a sort by score "
       "alone leaves no order",
       {64, 8, in_fives(64)}},
      {"all-experts", "E 3, k 3: the scores 0, -1, 1", {3, 3, {0, -1, 1}}},
      {"large", "E 4, k 2: the scores 1000, 1001, 998, 999", {4, 2, {1000, 1001, 998, 999}}},
      {"very-low",
       "E 4, k 3: the scores 0, -200, -150, -300, of which exp() makes 1, 0, 0, 0 in fp32: still the highest "
       "three",
       {4, 3, {0, -200, -150, -300}}},
      {"far-below",
       "E 4, k 3: the scores -3, -1, -2 and -4 times 2^100: below any number that is low enough as a rule",
       {4, 3, {std::ldexp(-3, 100), std::ldexp(-1, 100), std::ldexp(-2, 100), std::ldexp(-4, 100)}}},
      {"close",
       "E 3, k 2: the scores 1, 1 + 2^-23 and 1 - 2^-24, which are not equal",
       {3, 2, {1, 1 + std::ldexp(1, -23), 1 - std::ldexp(1, -24)}}},
      {"nearly-one",
       "E 4, k 2: the scores 6, 5, 0, -1: the two sum to 0.997 before they are renormalised",
       {4, 2, {6, 5, 0, -1}}},
      {"mixtral", "E 8, k 2: 6 rows of different scores", {8, 2, scattered(48)}},
      {"qwen", "E 60, k 4, not renormalised: 3 rows of different scores", {60, 4, scattered(180), false}},
      {"none", "E 4, k 0: refused", {4, 0, {1, 2, 3, 4}}},
      {"too-many", "E 4, k 5: refused", {4, 5, {1, 2, 3, 4}}},
      {"not-a-number",
       "E 3, k 1, the score of expert 1 in row 1 is NaN: refused",
       {3, 1, {1, 2, 3, 1, nan, 3}}},
      {"infinite", "E 3, k 1, the score of expert 0 is infinite: refused", {3, 1, {infinity, 2, 3}}},
      {"infinite-below", "E 3, k 1, the score of expert 0 is -infinity: refused", {3, 1, {-infinity, 2, 3}}},
  };
}

std::string shown(const Result& result) {
  if (!result.refused.empty()) return fmt::format("refused ({})", result.refused);
  std::string text =
      fmt::format("experts [{}], weights {}", fmt::join(result.chosen, ", "), show_numbers(result.weights));
  if (!result.by_top_k.empty() && result.by_top_k != result.chosen)
    text += fmt::format(", by top_k() alone [{}]", fmt::join(result.by_top_k, ", "));
  return text;
}

}  // namespace

bool same_weights(const std::vector<double>& found, const std::vector<double>& expected) {
  if (found.size() != expected.size()) return false;
  for (std::size_t i = 0; i < found.size(); ++i) {
    if (found[i] == expected[i] || (std::isnan(found[i]) && std::isnan(expected[i]))) continue;
    // Any number is within a part of infinity.
    if (!std::isfinite(expected[i])) return false;
    if (!(std::abs(found[i] - expected[i]) <= 2e-6 * std::abs(expected[i]) + 1e-37)) return false;
  }
  return true;
}

FunctionCheck<Input, Result> routing_check() {
  using Rank = Habits::Rank;
  using Weight = Habits::Weight;
  using Norm = Habits::Norm;
  FunctionCheck<Input, Result> check;
  check.name = "routing";
  check.chapter = 9;
  check.what = "which k of E experts each row goes to, and with which weights: softmax, then the highest";
  check.cases = cases();
  check.oracle = right;
  check.mistakes = {
      mistake("not_renormalised", "the weights are left as the softmax gives them; divide them by their sum",
              {.norm = Norm::never}),
      mistake("always_renormalised",
              "the weights sum to 1 though that was not asked for: a softmax over the chosen alone; without "
              "renormalisation they are those of the softmax over all experts",
              {.norm = Norm::always}),
      mistake("one_not_renormalised",
              "a single expert keeps its probability; renormalised, its weight is 1, as k are divided by "
              "their sum",
              {.norm = Norm::of_several}),
      mistake("divided_by_k", "the weights are divided by k; divide them by their sum", {.norm = Norm::by_k}),
      mistake("softmax_twice",
              "a softmax over the probabilities of the chosen; they are divided by their sum, no exp() again",
              {.weight = Weight::softmax_of_softmax}),
      mistake("scores_as_weights", "the weights are the scores; they are the softmax's",
              {.weight = Weight::score}),
      mistake("sigmoid_for_softmax",
              "the weights are sigmoids of the scores, as DeepSeek-V3 has them; here they are a softmax's",
              {.weight = Weight::sigmoid}),
      mistake("softmax_over_rows",
              "the softmax is over the rows of the batch; it is over the experts of one row",
              {.weight = Weight::over_rows}),
      mistake("maximum_not_subtracted",
              "exp() of the scores as they are, which overflows; subtract the highest first",
              {.weight = Weight::unshifted}),
      mistake("lowest_chosen", "the experts of the lowest scores are chosen; the highest are",
              {.rank = Rank::lowest}),
      mistake("by_magnitude", "the experts are chosen by the magnitude of the score; a score below 0 is low",
              {.rank = Rank::magnitude}),
      mistake("by_probability",
              "the experts are chosen by their probability, of which very low scores have 0 alike in fp32; "
              "choose by score",
              {.rank = Rank::probability}),
      mistake("ties_to_the_higher", "of equal scores the higher expert is chosen; the lower one is",
              {.ties_to_higher = true}),
      mistake("in_expert_order",
              "the chosen stand in the order of their numbers; they stand in that of their scores",
              {.in_expert_order = true}),
      mistake("weights_of_other_experts",
              "the chosen stand by score and their weights by number; weight i is that of chosen i",
              {.weights_in_expert_order = true}),
      mistake("first_row_for_all", "all rows go where the first one does; each has scores of its own",
              {.first_row_for_all = true}),
      mistake("k_not_checked", "a k of 0 or above E is made one that fits; refuse it (usage)",
              {.k_not_checked = true}),
      FunctionMistake<Input, Result>(
          "ties_left_to_the_sort",
          "sorted by score alone, which leaves equal ones in any order; of equal scores compare the experts",
          wrong({.alone = Habits::Alone::sort}),
          {wrong({.alone = Habits::Alone::partial_sort}),
           wrong({.alone = Habits::Alone::partial_sort_copy})}),
      FunctionMistake<Input, Result>(
          "taken_marked_by_a_number",
          "the score of a chosen expert is set to a low number, and where others are lower it is chosen "
          "again; "
          "keep in mind who is taken",
          searching(Habits::Search::mark_taken, -1e9),
          {searching(Habits::Search::mark_taken, -1e4), searching(Habits::Search::mark_taken, -100),
           searching(Habits::Search::mark_taken, -1), searching(Habits::Search::mark_taken, 0)}),
      FunctionMistake<Input, Result>(
          "best_sought_from_a_number",
          "the highest score is sought from a number on, and where all are lower none is found; begin with a "
          "score",
          searching(Habits::Search::begin_from, -1e9),
          {searching(Habits::Search::begin_from, -1e4), searching(Habits::Search::begin_from, -100),
           searching(Habits::Search::begin_from, -1), searching(Habits::Search::begin_from, 0)}),
      mistake(
          "minus_infinity_accepted",
          "a score of -infinity is taken for a very low one; it is no finite number: refuse it (bad_input)",
          {.minus_infinity_accepted = true}),
      FunctionMistake<Input, Result>(
          "top_k_left_out",
          "top_k() writes nothing; other files call it: choose there, and call it for each row",
          wrong({.top_k_left_out = true, .top_k_unguarded = true}), {wrong({.top_k_left_out = true})}),
      mistake("top_k_unguarded",
              "top_k() takes a score that is no finite number; it refuses it, for other files call it, too",
              {.top_k_unguarded = true}),
  };
  check.same = [](const Result& found, const Result& expected) {
    // Most wrong variants say nothing of top_k(): the wrong lines may be in it or behind it.
    const bool same_top_k = found.by_top_k == expected.by_top_k || expected.by_top_k.empty();
    return same_top_k && found.chosen == expected.chosen && found.refused == expected.refused &&
           same_weights(found.weights, expected.weights);
  };
  check.show = shown;
  return check;
}

}  // namespace rung::check

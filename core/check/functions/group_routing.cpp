#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <numeric>
#include <optional>
#include <span>
#include <tuple>
#include <utility>

#include "core/check/error_kind.h"
#include "core/check/functions/routing.h"
#include "core/error.h"
#include "core/oracle/routing.h"

namespace rung::check {
namespace {

using Input = RoutingInput;
using Result = RoutingResult;
using Numbers = std::vector<double>;

/// What people get wrong. The defaults are right.
struct Habits {
  bool bias_ignored = false, bias_in_weights = false, softmax = false, ties_to_higher = false;
  bool groups_ignored = false, group_by_best = false, group_by_all = false, group_without_bias = false;
  bool groups_interleaved = false, chosen_without_bias = false;
  bool not_scaled = false, never_renormalised = false, always_renormalised = false, scaled_before = false;
  bool zero_over_zero = false, factor_over_sum = false;
  bool ties_by_group_rank = false;
  enum class Start { ranked, second, both } two_highest_from = Start::ranked;
  double start = 0;                      ///< and that is the number
  std::optional<double> closed_as = {};  ///< what experts of other groups are ranked by
  double added_to_sum = 0, least_sum = -std::numeric_limits<double>::infinity();  ///< against a division by 0
  bool small_sum_left = false, exp_over_exp = false;
  enum class Finite { all, infinite_accepted, open_alone, scores_alone } looked_at = Finite::all;
};

std::vector<std::size_t> by_falling(const Numbers& keys, bool ties_to_higher = false) {
  std::vector<std::size_t> order(keys.size());
  std::iota(order.begin(), order.end(), 0);
  std::ranges::sort(order, [&](std::size_t a, std::size_t b) {
    if (keys[a] != keys[b]) return keys[a] > keys[b];
    return ties_to_higher ? a > b : a < b;
  });
  return order;
}

bool fits(const Input& input) {
  const auto [experts, used, groups, open] =
      std::tuple{input.experts, input.used, input.groups, input.groups_used};
  return used >= 1 && groups >= 1 && experts % groups == 0 && open >= 1 && open <= groups &&
         used <= experts / groups * open;
}

bool finite(const Input& input, const Habits& habits) {
  if (habits.looked_at == Habits::Finite::open_alone) return true;
  const auto is_finite = [](double number) { return std::isfinite(number); };
  const auto fits_score = [&](double score) {
    return std::isfinite(score) ||
           (habits.looked_at == Habits::Finite::infinite_accepted && !std::isnan(score));
  };
  return std::ranges::all_of(input.scores, fits_score) &&
         (habits.looked_at == Habits::Finite::scores_alone || std::ranges::all_of(input.bias, is_finite));
}

/// How much a group counts whose members are ranked by these.
double of_members(Numbers members, const Habits& habits) {
  using Start = Habits::Start;
  for (double& number : members) {
    if (std::isnan(number)) number = -std::numeric_limits<double>::infinity();  // max() passes it over
  }
  std::ranges::sort(members, std::greater<>());
  std::size_t counted = std::min<std::size_t>(2, members.size());
  if (habits.group_by_best) counted = 1;
  if (habits.group_by_all) counted = members.size();
  double sum = 0;
  for (std::size_t i = 0; i < counted; ++i) {
    const bool from_start =
        habits.two_highest_from == Start::both || (habits.two_highest_from == Start::second && i == 1);
    sum += from_start ? std::max(members[i], habits.start) : members[i];
  }
  return sum;
}

/// By falling key; of equal ones first those of the group that was opened first.
std::vector<std::size_t> by_group_rank(const Numbers& keys, const std::vector<std::size_t>& open,
                                       std::size_t size) {
  std::vector<std::size_t> order = by_falling(keys);
  std::ranges::sort(order, [&](std::size_t a, std::size_t b) {
    if (keys[a] != keys[b]) return keys[a] > keys[b];
    return std::pair(std::ranges::find(open, a / size), a) < std::pair(std::ranges::find(open, b / size), b);
  });
  return order;
}

/// What a chosen expert weighs, of which all together have this sum.
double weight_of(double s, double sum, const Input& input, const Habits& habits) {
  const bool normed = habits.always_renormalised || (input.renormalize && !habits.never_renormalised);
  const bool scaled = !habits.not_scaled && !(habits.scaled_before && normed);
  const double factor = scaled ? input.scale : 1;
  if (normed && habits.factor_over_sum && sum != 0)
    return s * static_cast<double>(static_cast<float>(factor) / static_cast<float>(sum));
  const double by = std::max(sum + habits.added_to_sum, habits.least_sum);
  const bool divided = by != 0 && !(habits.small_sum_left && sum < 1e-30);
  return (normed && (divided || habits.zero_over_zero) ? s / by : s) * factor;
}

double sigmoid(double score, const Habits& habits) {
  if (!habits.exp_over_exp) return 1 / (1 + std::exp(-score));
  const auto exp = static_cast<double>(static_cast<float>(std::exp(score)));
  return exp / (1 + exp);
}

Result run(const Input& input, const Habits& habits) {
  if (!fits(input)) return {.refused = "usage"};
  if (!finite(input, habits)) return {.refused = "bad_input"};
  const auto experts = static_cast<std::size_t>(input.experts),
             groups = static_cast<std::size_t>(input.groups);
  const std::size_t size = experts / groups;
  const auto group_of = [&](std::size_t e) { return habits.groups_interleaved ? e % groups : e / size; };
  Result result;
  for (std::size_t first = 0; first < input.scores.size(); first += experts) {
    Numbers s(experts), with_bias(experts);
    const double highest = *std::max_element(&input.scores[first], &input.scores[first] + experts);
    double sum = 0;
    for (std::size_t e = 0; e < experts; ++e) sum += std::exp(input.scores[first + e] - highest);
    for (std::size_t e = 0; e < experts; ++e) {
      const double score = input.scores[first + e];
      s[e] = habits.softmax ? std::exp(score - highest) / sum : sigmoid(score, habits);
      with_bias[e] = s[e] + (habits.bias_ignored ? 0 : input.bias[e]);
    }
    Numbers of_group(groups);
    for (std::size_t g = 0; g < groups; ++g) {
      Numbers members;
      for (std::size_t e = 0; e < experts; ++e) {
        if (group_of(e) == g) members.push_back(habits.group_without_bias ? s[e] : with_bias[e]);
      }
      of_group[g] = of_members(std::move(members), habits);
    }
    std::vector<std::size_t> open = by_falling(of_group, habits.ties_to_higher);
    open.resize(static_cast<std::size_t>(habits.groups_ignored ? input.groups : input.groups_used));
    Numbers keys = habits.chosen_without_bias ? s : with_bias;
    for (std::size_t e = 0; e < experts; ++e) {
      if (std::ranges::find(open, group_of(e)) == open.end())
        keys[e] = habits.closed_as.value_or(-std::numeric_limits<double>::infinity());
      else if (!std::isfinite(keys[e]))
        return {.refused = "bad_input"};
    }
    std::vector<std::size_t> chosen =
        habits.ties_by_group_rank ? by_group_rank(keys, open, size) : by_falling(keys, habits.ties_to_higher);
    chosen.resize(static_cast<std::size_t>(input.used));
    Numbers weights;
    for (const std::size_t e : chosen) weights.push_back(habits.bias_in_weights ? with_bias[e] : s[e]);
    const double all = std::accumulate(weights.begin(), weights.end(), 0.0);
    for (double& weight : weights) weight = weight_of(weight, all, input, habits);
    result.chosen.insert(result.chosen.end(), chosen.begin(), chosen.end());
    result.weights.insert(result.weights.end(), weights.begin(), weights.end());
  }
  return result;
}

Result right(const Input& input) {
  if (!finite(input, {})) return {.refused = "bad_input"};
  Result result;
  try {
    for (std::size_t first = 0; first < input.scores.size();
         first += static_cast<std::size_t>(input.experts)) {
      const std::span row(&input.scores[first], static_cast<std::size_t>(input.experts));
      const oracle::Route route = oracle::sigmoid_top_k(row, input.bias, input.used,
                                                        {.groups = input.groups,
                                                         .groups_used = input.groups_used,
                                                         .renormalize = input.renormalize,
                                                         .scale = input.scale});
      result.chosen.insert(result.chosen.end(), route.chosen.begin(), route.chosen.end());
      result.weights.insert(result.weights.end(), route.weights.begin(), route.weights.end());
    }
  } catch (const Error& error) {
    return {.refused = kind_name(error.kind())};
  }
  return result;
}

FunctionMistake<Input, Result> mistake(std::string name, std::string sentence, Habits habits) {
  return {std::move(name), std::move(sentence), [habits](const Input& input) { return run(input, habits); }};
}

/// One mistake as several people write it.
FunctionMistake<Input, Result> several(std::string name, std::string sentence,
                                       const std::vector<Habits>& ways) {
  std::vector<FunctionMistake<Input, Result>::Run> runs;
  runs.reserve(ways.size());
  for (const Habits& habits : ways)
    runs.emplace_back([habits](const Input& input) { return run(input, habits); });
  return {std::move(name), std::move(sentence), runs.front(), {runs.begin() + 1, runs.end()}};
}

std::vector<Habits> from_numbers(Habits::Start which) {
  std::vector<Habits> ways;
  for (const double start : {0.0, -1.0, -10.0, -100.0, -1e4, -1e9})
    ways.push_back({.two_highest_from = which, .start = start});
  return ways;
}

constexpr double fp32_least = std::numeric_limits<float>::min();

/// E experts, k, scores and biases; in one group.
Input plain(std::int64_t used, Numbers scores, Numbers bias, bool renormalize = true, double scale = 1) {
  return {.experts = std::ssize(bias),
          .used = used,
          .scores = std::move(scores),
          .renormalize = renormalize,
          .bias = std::move(bias),
          .scale = scale};
}

Input grouped(std::int64_t groups, std::int64_t groups_used, Input input) {
  input.groups = groups;
  input.groups_used = groups_used;
  return input;
}

/// Below any number that is low enough as a rule.
Numbers far(Numbers numbers) {
  for (double& number : numbers) number = std::ldexp(number, 34);
  return numbers;
}

std::vector<FunctionCase<Input>> cases() {
  constexpr double nan = std::numeric_limits<double>::quiet_NaN();
  constexpr double infinity = std::numeric_limits<double>::infinity();
  const Numbers none4(4, 0.0), none6(6, 0.0), none8(8, 0.0);
  // Sixteen scores and biases without a pattern, in three rows.
  Numbers scores, bias;
  for (int i = 0; i < 48; ++i) scores.push_back(i * 389 % 1021 / 128.0 - 4);
  for (int i = 0; i < 16; ++i) bias.push_back(i * 53 % 67 / 64.0 - 0.5);
  return {
      {"sigmoids", "E 4, k 2, one group, no bias: the scores 1, 3, 0, 2", plain(2, {1, 3, 0, 2}, none4)},
      {"not-renormalised", "E 4, k 2, one group, no bias, not renormalised: the scores 1, 3, 0, 2",
       plain(2, {1, 3, 0, 2}, none4, false)},
      {"scaled", "E 4, k 2, one group, no bias, renormalised, times 2.5: the scores 1, 3, 0, 2",
       plain(2, {1, 3, 0, 2}, none4, true, 2.5)},
      {"scaled-not-renormalised",
       "E 4, k 2, one group, no bias, not renormalised, times 2.5: the scores 1, 3, 0, 2",
       plain(2, {1, 3, 0, 2}, none4, false, 2.5)},
      {"bias", "E 4, k 2, the scores 1, 3, 0, 2 and the biases 0.5, 0, 0.25, -0.5: experts 0 and 1",
       plain(2, {1, 3, 0, 2}, {0.5, 0, 0.25, -0.5})},
      {"bias-not-renormalised",
       "E 4, k 2, the scores 1, 3, 0, 2 and the biases 0.5, 0, 0.25, -0.5, not renormalised",
       plain(2, {1, 3, 0, 2}, {0.5, 0, 0.25, -0.5}, false)},
      {"ties", "E 4, k 2: all scores 0, the biases 0, 1, 1, 1", plain(2, {0, 0, 0, 0}, {0, 1, 1, 1})},
      {"groups", "E 6, k 2, 3 groups of 2, 1 used: the highest score is in a group whose second is low",
       grouped(3, 1, plain(2, {3, -3, 1, 1.5, 0, 2}, none6))},
      {"groups-of-four",
       "E 8, k 2, 2 groups of 4, 1 used: the first has the two highest, the second more in all",
       grouped(2, 1, plain(2, {2, 2.5, -4, -4, 1, 1.25, 1.5, 0.5}, none8))},
      {"group-ties", "E 6, k 2, 3 groups of 2, 2 used, all alike: the lower groups",
       grouped(3, 2, plain(2, none6, none6))},
      {"group-bias", "E 4, k 1, 2 groups of 2, 1 used: the biases open the group of the lower scores",
       grouped(2, 1, plain(1, {1, 2, 0, 0.5}, {0, 0, 0.5, 0.25}))},
      {"all-below-zero",
       "E 4, k 2, 2 groups of 2, 1 used, biases of -2: what is chosen has s + bias below 0, and comes all "
       "the "
       "same from the open group",
       grouped(2, 1, plain(2, {0, 1, 2, 3}, {-2, -2, -2, -2}))},
      {"second-below-zero",
       "E 4, k 1, 2 groups of 2, 1 used: the first group has the highest s + bias, and its second is below 0",
       grouped(2, 1, plain(1, {2, 0, 1, 0.5}, {0, -1, -0.25, -0.25}))},
      {"others-far-below",
       "E 4, k 2, 2 groups of 2, 1 used, the biases -1, -2, -4, -8 times 2^34: experts 0 and 1",
       grouped(2, 1, plain(2, {0, 1, 2, 3}, far({-1, -2, -4, -8})))},
      {"second-far-below",
       "E 4, k 2, 2 groups of 2, 1 used, the biases -2, -4, -1, -16 times 2^34: experts 0 and 1",
       grouped(2, 1, plain(2, {0, 1, 2, 3}, far({-2, -4, -1, -16})))},
      {"both-far-below",
       "E 4, k 2, 2 groups of 2, 1 used, the biases -4, -8, -1, -2 times 2^34: experts 2 and 3",
       grouped(2, 1, plain(2, {0, 1, 2, 3}, far({-4, -8, -1, -2})))},
      {"ties-across-groups",
       "E 4, k 2, 2 groups of 2, both used, the second the better: the scores 0, 1, 1, 2: experts 3 and 1",
       grouped(2, 2, plain(2, {0, 1, 1, 2}, none4))},
      {"groups-of-one", "E 4, k 2, 4 groups of 1, 3 used", grouped(4, 3, plain(2, {1, 3, 0, 2}, none4))},
      {"far", "E 4, k 2: the scores -100, 50, 0, -3 and the biases 0.25, -0.75, 0, 0.5",
       plain(2, {-100, 50, 0, -3}, {0.25, -0.75, 0, 0.5})},
      {"far-above",
       "E 4, k 2: the scores 100, 90, 0, -3, of which exp() is infinite in fp32: their sigmoids are 1",
       plain(2, {100, 90, 0, -3}, {0.5, 0, 0, 0.25})},
      {"rows", "E 16, k 4, 4 groups, 2 used, three rows, times 2.5",
       grouped(4, 2, plain(4, scores, bias, true, 2.5))},
      {"scarcely-any", "E 4, k 1, times 2.5: all scores -88.5, whose sigmoid is 3.7e-39: the weight 2.5",
       plain(1, Numbers(4, -88.5), none4, true, 2.5)},
      {"nothing", "E 4, k 2: all scores -1000, whose sigmoids are 0: the weights 0",
       plain(2, Numbers(4, -1000), none4)},
      {"uneven-groups", "E 4, 3 groups: refused", grouped(3, 1, plain(1, none4, none4))},
      {"no-group", "E 4, 2 groups, none used: refused", grouped(2, 0, plain(1, none4, none4))},
      {"too-many-groups", "E 4, 2 groups, 3 used: refused", grouped(2, 3, plain(1, none4, none4))},
      {"too-few-open", "E 4, k 3, 2 groups, 1 used, which has 2 experts: refused",
       grouped(2, 1, plain(3, none4, none4))},
      {"none", "E 4, k 0: refused", plain(0, none4, none4)},
      {"not-a-number", "a score of NaN: refused", plain(1, {0, nan, 1, 2}, none4)},
      {"not-a-number-elsewhere",
       "E 4, k 1, 2 groups of 2, 1 used: a score of NaN, the second of the group that is not opened: refused",
       grouped(2, 1, plain(1, {3, 3, 0, nan}, none4))},
      {"infinite", "an infinite score, whose sigmoid is 1: refused", plain(1, {0, infinity, 1, 2}, none4)},
      {"infinite-below", "a score of -infinity, whose sigmoid is 0: refused",
       plain(1, {0, -infinity, 1, 2}, none4)},
      {"bias-not-a-number", "a bias of NaN: refused", plain(1, {0, 1, 1, 2}, {0, nan, 0, 0})},
      {"bias-infinite", "a bias of -infinity: refused", plain(1, {0, 1, 1, 2}, {0, -infinity, 0, 0})},
      {"bias-infinite-elsewhere",
       "E 6, k 1, 2 groups of 3, 1 used: a bias of -infinity, the third of the group that is not opened: "
       "refused",
       grouped(2, 1, plain(1, {3, 3, 0, 1, 1, 0}, {0, 0, 0, 0, 0, -infinity}))},
  };
}

}  // namespace

FunctionCheck<Input, Result> group_routing_check() {
  FunctionCheck<Input, Result> check;
  check.name = "group_routing";
  check.chapter = 9;
  check.what =
      "DeepSeek-V3's choice of experts: sigmoids, a bias that takes part in the choice alone, groups";
  check.cases = cases();
  check.oracle = right;
  check.mistakes = {
      mistake("bias_in_weights", "the bias is in the weights; it takes part in the choice alone",
              {.bias_in_weights = true}),
      mistake("bias_ignored", "experts are chosen by s; they are chosen by s + bias", {.bias_ignored = true}),
      mistake("chosen_without_bias",
              "groups are ranked by s + bias and the experts in them by s; both are by s + bias",
              {.chosen_without_bias = true}),
      mistake("softmax_for_sigmoid", "a softmax over the scores; each becomes a sigmoid, by itself",
              {.softmax = true}),
      mistake("groups_ignored", "experts of all groups are chosen; those of the best groups alone may be",
              {.groups_ignored = true}),
      mistake("group_by_best", "a group counts as much as its best expert; it counts as much as its best two",
              {.group_by_best = true}),
      mistake("group_by_all", "a group counts as much as all its experts; it counts as much as its best two",
              {.group_by_all = true}),
      mistake("group_without_bias", "groups are ranked by s; they are ranked by s + bias",
              {.group_without_bias = true}),
      mistake("groups_interleaved", "expert e is in group e % groups; neighbours are: e / (E / groups)",
              {.groups_interleaved = true}),
      several("closed_as_zero",
              "experts of other groups are given 0 or another number, which is more than an s + bias below "
              "it; they "
              "are not to be chosen at all",
              {{.closed_as = 0},
               {.closed_as = -1},
               {.closed_as = -10},
               {.closed_as = -100},
               {.closed_as = -1e4},
               {.closed_as = -1e9}}),
      mistake("ties_to_the_higher", "of equals the higher expert or group is taken; the lower one is",
              {.ties_to_higher = true}),
      mistake("not_renormalised", "the weights are left as they are; divide them by their sum",
              {.never_renormalised = true}),
      mistake("always_renormalised", "the weights are divided by their sum though that was not asked for",
              {.always_renormalised = true}),
      mistake("not_scaled", "the factor is left out; the weights are multiplied by it at last",
              {.not_scaled = true}),
      mistake("scaled_before",
              "the factor comes before the division by the sum, which takes it out again; it comes after",
              {.scaled_before = true}),
      several("second_from_zero",
              "the second highest of a group is sought from 0 (or -1, or so) on; it may be lower, and then "
              "counts so",
              from_numbers(Habits::Start::second)),
      several("two_highest_from_zero",
              "the two highest of a group are sought from 0 (or -1, or so) on; both may be lower, and then "
              "count so",
              from_numbers(Habits::Start::both)),
      mistake(
          "ties_by_group_rank",
          "of equals in different groups the one of the better group is taken; the lower expert is: look at "
          "the open groups by rising number",
          {.ties_by_group_rank = true}),
      mistake("infinite_accepted",
              "an infinite score becomes a sigmoid of 0 or 1; refuse it (bad_input) as you refuse NaN",
              {.looked_at = Habits::Finite::infinite_accepted}),
      mistake(
          "biases_not_looked_at",
          "biases are not looked at, and of a group that is not opened nobody else does; refuse what is no "
          "finite number (bad_input) among them, too",
          {.looked_at = Habits::Finite::scores_alone}),
      mistake("exp_over_exp",
              "exp(x) / (1 + exp(x)) is infinity over infinity for a high score; 1 / (1 + exp(-x)) is 1",
              {.exp_over_exp = true}),
      mistake(
          "open_groups_looked_at_alone",
          "what is no finite number is refused where it is ranked by; look at all scores and biases first",
          {.looked_at = Habits::Finite::open_alone}),
      FunctionMistake<Input, Result>(
          "zero_over_zero", "0 / 0 where all chosen sigmoids are 0, which is not a number; the weights are 0",
          [](const Input& input) { return run(input, {.zero_over_zero = true}); },
          {[](const Input& input) { return run(input, {.zero_over_zero = true, .factor_over_sum = true}); }}),
      several("small_sum_not_divided_by",
              "a small number is added to the sum, or stands for it, or a small sum is not divided by; that "
              "changes the "
              "weights of a small sum: of a sum of 0 alone nothing is divided",
              {{.added_to_sum = 1e-20},
               {.added_to_sum = 1e-12},
               {.added_to_sum = 1e-9},
               {.added_to_sum = 1e-8},
               {.added_to_sum = 1e-6},
               {.added_to_sum = fp32_least},
               {.least_sum = 1e-37},
               {.least_sum = 1e-38},
               {.least_sum = fp32_least},
               {.small_sum_left = true}}),
      mistake("factor_over_sum",
              "the factor is divided by the sum, which is infinite for a very small one; divide the weights "
              "first",
              {.factor_over_sum = true}),
  };
  check.same = routing_check().same;
  check.show = routing_check().show;
  return check;
}

}  // namespace rung::check

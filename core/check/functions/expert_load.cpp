#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <numbers>
#include <numeric>
#include <utility>

#include "core/check/functions/routing.h"
#include "core/check/functions/show.h"

namespace rung::check {
namespace {

using Input = LoadInput;
using Result = LoadResult;
using Rule = Input::Rule;
using Numbers = std::vector<double>;

/// What people get wrong. The defaults are right.
struct Habits {
  bool bits = false, zero_times_infinity = false, over_least = false, share_for_imbalance = false,
       over_rows = false;
  bool loss_without_experts = false, loss_of_rows = false, loss_of_shares = false,
       loss_of_probabilities = false;
  bool bias_wrong_way = false, bias_by_distance = false, mean_moves = false, mean_rounded = false,
       mean_in_float = false;
  bool drawn_again = false, most_possible = false, one_each = false;
  bool maximum_not_subtracted = false;
  bool no_rows_accepted = false, biases_not_counted = false, expected_of_anything = false;
};

Numbers counts_of(const Input& input) {
  Numbers counts(static_cast<std::size_t>(input.experts));
  for (const std::int64_t e : input.chosen) ++counts[static_cast<std::size_t>(e)];
  return counts;
}

Numbers load(const Input& input, const Habits& habits) {
  Numbers result = counts_of(input);
  const auto routes = static_cast<double>(input.chosen.size());
  double entropy = 0;
  for (const double count : result) {
    const double share = count / routes;
    if (count > 0 || habits.zero_times_infinity) entropy -= share * std::log(share);
  }
  const double largest = *std::ranges::max_element(result), least = *std::ranges::min_element(result);
  double imbalance = largest / (routes / static_cast<double>(input.experts));
  if (habits.over_least) imbalance = largest / least;
  if (habits.share_for_imbalance) imbalance = largest / routes;
  if (habits.over_rows) imbalance /= static_cast<double>(input.used);
  result.push_back(habits.bits ? entropy / std::numbers::ln2 : entropy);
  result.push_back(imbalance);
  return result;
}

double loss(const Input& input, const Habits& habits) {
  const Numbers counts = counts_of(input);
  const auto experts = static_cast<std::size_t>(input.experts);
  Numbers probability(experts);
  const std::size_t row_count = input.scores.size() / experts;
  const auto rows = static_cast<double>(row_count);
  for (std::size_t first = 0; first < input.scores.size(); first += experts) {
    const double highest = habits.maximum_not_subtracted
                               ? 0
                               : *std::max_element(&input.scores[first], &input.scores[first] + experts);
    double sum = 0;
    for (std::size_t e = 0; e < experts; ++e) sum += std::exp(input.scores[first + e] - highest);
    for (std::size_t e = 0; e < experts; ++e)
      probability[e] += std::exp(input.scores[first + e] - highest) / sum / rows;
  }
  double result = 0;
  for (std::size_t e = 0; e < experts; ++e) {
    const double share = counts[e] / (habits.loss_of_rows ? rows : static_cast<double>(input.chosen.size()));
    double term = share * probability[e];
    if (habits.loss_of_shares) term = share * share;
    if (habits.loss_of_probabilities) term = probability[e] * probability[e];
    result += term;
  }
  return habits.loss_without_experts ? result : static_cast<double>(experts) * result;
}

Numbers bias(const Input& input, const Habits& habits) {
  const auto all =
      static_cast<double>(std::accumulate(input.chosen.begin(), input.chosen.end(), std::int64_t{0}));
  double mean = all / static_cast<double>(input.bias.size());
  if (habits.mean_rounded) mean = std::floor(mean);
  Numbers result = input.bias;
  for (std::size_t e = 0; e < result.size(); ++e) {
    double over = static_cast<double>(input.chosen[e]) - mean;
    if (habits.mean_in_float) {
      over = static_cast<double>(static_cast<float>(input.chosen[e]) -
                                 static_cast<float>(all) / static_cast<float>(input.bias.size()));
    }
    double step = 0;
    if (over > 0) step = -input.step;
    if (over < 0 || (habits.mean_moves && over == 0)) step = input.step;
    if (habits.bias_by_distance) step = -input.step * over;
    result[e] += habits.bias_wrong_way ? -step : step;
  }
  return result;
}

double expected(const Input& input, const Habits& habits) {
  const auto experts = static_cast<double>(input.experts), used = static_cast<double>(input.used),
             rows = static_cast<double>(input.rows);
  if (habits.most_possible) return std::min(experts, used * rows);
  if (habits.drawn_again) return experts * (1 - std::pow(1 - 1 / experts, used * rows));
  if (habits.one_each) return experts * (1 - std::pow(1 - 1 / experts, rows));
  return experts * (1 - std::pow(1 - used / experts, rows));
}

bool refused(const Input& input, const Habits& habits) {
  const bool no_rows = input.chosen.empty() && !habits.no_rows_accepted;
  switch (input.rule) {
    case Rule::load:
      return no_rows;
    case Rule::loss: {
      const std::int64_t rows = std::ssize(input.chosen) / input.used;
      const std::int64_t scored = input.scored > 0 ? input.scored : input.experts;
      return no_rows || scored != input.experts || std::ssize(input.scores) != rows * scored;
    }
    case Rule::bias:
      return input.chosen.size() != input.bias.size() && !habits.biases_not_counted;
    case Rule::expected:
      break;
  }
  const bool fits = input.used >= 1 && input.used <= input.experts && input.rows >= 0;
  return !fits && !habits.expected_of_anything;
}

Result run(const Input& input, const Habits& habits) {
  if (refused(input, habits)) return {.refused = "usage"};
  switch (input.rule) {
    case Rule::load:
      return {.numbers = load(input, habits)};
    case Rule::loss:
      // The share of an expert in no routes is 0 / 0.
      if (input.chosen.empty()) return {.numbers = {std::numeric_limits<double>::quiet_NaN()}};
      return {.numbers = {loss(input, habits)}};
    case Rule::bias:
      return {.numbers = bias(input, habits)};
    case Rule::expected:
      break;
  }
  return {.numbers = {expected(input, habits)}};
}

FunctionMistake<Input, Result> mistake(std::string name, std::string sentence, Habits habits) {
  return {std::move(name), std::move(sentence), [habits](const Input& input) { return run(input, habits); }};
}

Input load_of(std::int64_t experts, std::int64_t used, std::vector<std::int64_t> chosen) {
  return {.rule = Rule::load, .experts = experts, .used = used, .chosen = std::move(chosen)};
}

Input loss_of(std::int64_t experts, std::int64_t used, std::vector<std::int64_t> chosen, Numbers scores) {
  return {.rule = Rule::loss,
          .experts = experts,
          .used = used,
          .chosen = std::move(chosen),
          .scores = std::move(scores)};
}

Input bias_of(std::vector<std::int64_t> counts, Numbers before, double step) {
  return {.rule = Rule::bias,
          .experts = std::ssize(counts),
          .chosen = std::move(counts),
          .bias = std::move(before),
          .step = step};
}

Input expected_of(std::int64_t experts, std::int64_t used, std::int64_t rows) {
  return {.rule = Rule::expected, .experts = experts, .used = used, .rows = rows};
}

std::vector<FunctionCase<Input>> cases() {
  Input scores_of_two = loss_of(3, 1, {0, 1}, {1, 0, 0, 1});
  scores_of_two.scored = 2;
  return {
      {"load-even", "expert_load: E 2, k 1: rows to 0, 1, 1, 0", load_of(2, 1, {0, 1, 1, 0})},
      {"load-uneven", "expert_load: E 4, k 1: rows to 0, 0, 0, 1, 1, 2, 3, 0",
       load_of(4, 1, {0, 0, 0, 1, 1, 2, 3, 0})},
      {"load-empty", "expert_load: E 4, k 1: rows to 0, 0, 2: two experts have none",
       load_of(4, 1, {0, 0, 2})},
      {"load-all-on-one", "expert_load: E 3, k 1: all rows to 1", load_of(3, 1, {1, 1})},
      {"load-top-2", "expert_load: E 4, k 2: rows to 3 and 1, 3 and 0, 3 and 2",
       load_of(4, 2, {3, 1, 3, 0, 3, 2})},
      {"loss-even", "balance_loss: E 2, k 1: rows to 0 and 1, the scores 1, 0 and 0, 1: 1",
       loss_of(2, 1, {0, 1}, {1, 0, 0, 1})},
      {"loss-uneven", "balance_loss: E 3, k 1: all rows to 0, the scores 2, 0, 1 and 3, 1, 0",
       loss_of(3, 1, {0, 0}, {2, 0, 1, 3, 1, 0})},
      {"loss-top-2",
       "balance_loss: E 4, k 2: rows to 3 and 1, 3 and 0, the scores 0, 1, -1, 2 and 1, 0, 0, 3",
       loss_of(4, 2, {3, 1, 3, 0}, {0, 1, -1, 2, 1, 0, 0, 3})},
      {"loss-large",
       "balance_loss: E 2, k 1: rows to 1 and 0, the scores 1000, 1001 and 1001, 1000: 1, though exp(1000) "
       "is "
       "infinite",
       loss_of(2, 1, {1, 0}, {1000, 1001, 1001, 1000})},
      {"bias", "update_bias: counts 3, 1, 2, biases 0, 0, 0, step 0.5", bias_of({3, 1, 2}, {0, 0, 0}, 0.5)},
      {"bias-far", "update_bias: counts 9, 0, 0, biases 1, 2, 3, step 0.25",
       bias_of({9, 0, 0}, {1, 2, 3}, 0.25)},
      {"bias-large",
       "update_bias: counts 3000000000, 1000000001, 2000000001, 2000000002, biases 0, step 0.5: the third "
       "has the mean",
       bias_of({3000000000, 1000000001, 2000000001, 2000000002}, {0, 0, 0, 0}, 0.5)},
      {"bias-broken-mean", "update_bias: counts 2, 1, 2, biases 0, 0, 0, step 0.5: the mean is 5 / 3",
       bias_of({2, 1, 2}, {0, 0, 0}, 0.5)},
      {"bias-mean-between", "update_bias: counts 1, 1, 3, biases 0, 0, 0, step 0.5: the mean is 5 / 3",
       bias_of({1, 1, 3}, {0, 0, 0}, 0.5)},
      {"expected-one", "expected_experts: E 8, k 2, 1 row: exactly 2", expected_of(8, 2, 1)},
      {"expected-none", "expected_experts: E 8, k 2, no rows", expected_of(8, 2, 0)},
      {"expected-few", "expected_experts: E 8, k 2, 4 rows", expected_of(8, 2, 4)},
      {"expected-many", "expected_experts: E 256, k 8, 64 rows", expected_of(256, 8, 64)},
      {"expected-all", "expected_experts: E 4, k 4, 3 rows", expected_of(4, 4, 3)},
      {"load-of-no-rows", "expert_load: E 4, no rows: refused", load_of(4, 1, {})},
      {"loss-of-no-rows", "balance_loss: E 2, no rows: refused", loss_of(2, 1, {}, {})},
      {"loss-other-rows", "balance_loss: scores of 3 rows, routes of 2: refused",
       loss_of(2, 1, {0, 1}, {1, 0, 0, 1, 2, 0})},
      {"loss-other-experts", "balance_loss: scores of 2 experts, routes to 3: refused", scores_of_two},
      {"bias-other-experts", "update_bias: counts of 3 experts, biases of 2: refused",
       bias_of({9, 1, 2}, {0, 0}, 0.5)},
      {"expected-of-none", "expected_experts: E 8, k 0, 4 rows: refused", expected_of(8, 0, 4)},
      {"expected-too-many", "expected_experts: E 4, k 5, 4 rows: refused", expected_of(4, 5, 4)},
      {"expected-of-less-than-none", "expected_experts: E 8, k 2, -1 rows: refused", expected_of(8, 2, -1)},
  };
}

}  // namespace

FunctionCheck<Input, Result> expert_load_check() {
  FunctionCheck<Input, Result> check;
  check.name = "expert_load";
  check.chapter = 9;
  check.what = "how evenly experts are used, what is done about it in training, and how many a batch touches";
  check.cases = cases();
  check.oracle = [](const Input& input) { return run(input, {}); };
  check.mistakes = {
      mistake("entropy_in_bits", "the entropy is by log2, which gives bits; nats are by ln", {.bits = true}),
      mistake("zero_times_infinity",
              "0 · ln 0, which is not a number, of an expert without rows; it adds nothing",
              {.zero_times_infinity = true}),
      mistake("largest_over_least", "the imbalance is the largest count over the least; it is over the mean",
              {.over_least = true}),
      mistake("share_for_imbalance",
              "the imbalance is the largest share; it is the largest count over the mean",
              {.share_for_imbalance = true}),
      mistake("mean_of_rows", "the mean is that of T rows; there are T · k routes", {.over_rows = true}),
      mistake("loss_without_experts", "the factor E of the loss is left out, with which an even load gives 1",
              {.loss_without_experts = true}),
      mistake("loss_of_rows", "f is a share of the T rows; it is a share of the T · k routes",
              {.loss_of_rows = true}),
      mistake("loss_of_counts_alone",
              "the loss is made of counts alone, which have no gradient; it is f times the mean probability",
              {.loss_of_shares = true}),
      mistake("loss_of_probabilities_alone",
              "the loss is made of probabilities alone; it is the share of routes times the mean probability",
              {.loss_of_probabilities = true}),
      mistake("bias_wrong_way", "an expert with too many rows gets a higher bias; it gets a lower one",
              {.bias_wrong_way = true}),
      mistake("bias_by_distance",
              "the step is multiplied by how far the count is from the mean; it is the same for all",
              {.bias_by_distance = true}),
      mistake("mean_moves_too", "an expert with exactly the mean gets a higher bias; it keeps its own",
              {.mean_moves = true}),
      mistake("mean_in_float",
              "counts and their mean are compared as floats, which large counts do not fit; compare whole "
              "numbers",
              {.mean_in_float = true}),
      mistake("mean_rounded", "the mean is taken in whole numbers, and what is next to it for it",
              {.mean_rounded = true}),
      mistake(
          "drawn_again",
          "each of the rows · k routes is taken for a draw of its own; the k experts of a row are different "
          "ones: 1 - k / E",
          {.drawn_again = true}),
      mistake("most_possible", "as many as the rows could touch at most, k · rows; rows meet in experts",
              {.most_possible = true}),
      mistake("one_expert_a_row", "one expert a row; there are k: 1 - k / E", {.one_each = true}),
      mistake("maximum_not_subtracted",
              "the loss's softmax is made of exp() of the scores as they are, which overflows; subtract the "
              "highest first",
              {.maximum_not_subtracted = true}),
      mistake("no_rows_accepted", "the load of no rows is 0 / 0; refuse it (usage)",
              {.no_rows_accepted = true}),
      mistake("biases_not_counted",
              "the biases are changed by counts that are not as many; compare the two and refuse (usage)",
              {.biases_not_counted = true}),
      mistake("expected_of_anything",
              "the formula gives a number for k = 0, k > E and rows < 0, too; refuse them (usage)",
              {.expected_of_anything = true}),
  };
  check.same = [](const Result& found, const Result& expected) {
    return found.refused == expected.refused && same_numbers(found.numbers, expected.numbers, 1e-5);
  };
  check.show = [](const Result& result) {
    return result.refused.empty() ? show_numbers(result.numbers) : "refused (" + result.refused + ")";
  };
  return check;
}

}  // namespace rung::check

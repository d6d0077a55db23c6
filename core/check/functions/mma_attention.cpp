#include <algorithm>
#include <array>
#include <cmath>
#include <functional>
#include <iterator>
#include <limits>
#include <string>
#include <utility>

#include <fmt/format.h>

#include "core/check/functions/flash_attention.h"
#include "core/check/functions/kernel_check.h"
#include "core/check/functions/show.h"
#include "core/check/number_type.h"
#include "core/oracle/attention.h"

namespace rung::check {
namespace {

using Numbers = std::vector<double>;

constexpr std::size_t rows = 16, keys = 16, size = 8;

struct MmaHabits {
  bool values_not_transposed = false;  ///< values read as [8, 16]
  bool key_halves_swapped = false;     ///< weights of keys 8 … 15 multiplied with the values of 0 … 7
  bool lower_as_upper = false;         ///< rows g and g + 8 change places in the factor
  bool registers_swapped = false;      ///< the factor's registers 1 and 2
  std::size_t max_lanes = 4, sum_lanes = 4;  ///< of a quad, neighbours, agree; 1: none with another
  bool other_pairs = false;                  ///< lanes 0 and 2, 1 and 3 where two agree
  bool max_not_subtracted = false, max_starts_at_0 = false, sum_guarded = false;
  bool scale_left_out = false, scale_fixed = false;
  bool max_of_first_keys = false;     ///< of keys 0 … 7
  bool max_of_both_rows = false;      ///< g and g + 8
  bool shuffles_across_rows = false;  ///< with 8 and 16 in the place of 1 and 2: lanes of the same t
  bool sum_of_other_row = false, not_divided = false;
  bool rows_neighbours = false;  ///< rows g and g + 8 of the result stored as 2g and 2g + 1
};

/// The lane of a quad that has a key's scores: 2t, 2t + 1, and 8 further.
std::size_t lane_of(std::size_t key) {
  return key % 8 / 2;
}

/// Whether two lanes of a quad know of each other when `together` of them agree.
bool agree(std::size_t lane, std::size_t other, std::size_t together, const MmaHabits& habits) {
  if (together == 2 && habits.other_pairs) return lane % 2 == other % 2;
  return lane / together == other / together;
}

/// What lane `lane` of row `row` makes of its own number and those of the lanes it agrees with.
template <typename Both>
double agreed(const std::array<std::array<double, 4>, rows>& own, std::size_t row, std::size_t lane,
              std::size_t together, const MmaHabits& habits, Both both) {
  double all = own[row][lane];
  if (habits.shuffles_across_rows) {
    for (std::size_t other = row / 8 * 8 + row % 2; other < row / 8 * 8 + 8; other += 2)
      if (other != row) all = both(all, own[other][lane]);
    return all;
  }
  for (std::size_t other = 0; other < 4; ++other)
    if (other != lane && agree(lane, other, together, habits)) all = both(all, own[row][other]);
  return all;
}

/// Where in the weights [16, 16] stands what the first factor has at a place.
std::pair<std::size_t, std::size_t> weight_of(std::size_t row, std::size_t key, const MmaHabits& habits) {
  if (habits.lower_as_upper) row = (row + 8) % 16;
  if (habits.key_halves_swapped) key = (key + 8) % 16;
  // Register 1 is of rows 8 … 15 and keys 0 … 7, register 2 of rows 0 … 7 and keys 8 … 15.
  if (habits.registers_swapped && row / 8 != key / 8) return {(row + 8) % 16, (key + 8) % 16};
  return {row, key};
}

Numbers attended(const MmaAttentionInput& input, const MmaHabits& habits) {
  const Numbers q = input.q();
  const Numbers k = input.k();
  const Numbers v = input.v();
  const double scale = habits.scale_left_out ? 1 : habits.scale_fixed ? 0.25 : input.scale;
  const auto larger = [](double a, double b) { return std::max(a, b); };
  std::array<std::array<double, keys>, rows> scores{};
  std::array<std::array<double, keys>, rows> weights{};
  std::array<std::array<double, 4>, rows> own_max{};
  std::array<std::array<double, 4>, rows> sums{};
  for (std::size_t row = 0; row < rows; ++row) {
    own_max[row].fill(habits.max_starts_at_0 ? 0 : -std::numeric_limits<double>::infinity());
    for (std::size_t key = 0; key < keys; ++key) {
      for (std::size_t d = 0; d < 16; ++d) scores[row][key] += q[row * 16 + d] * k[key * 16 + d];
      scores[row][key] *= scale;
      double& max = own_max[row][lane_of(key)];
      if (key < 8 || !habits.max_of_first_keys) max = std::max(max, scores[row][key]);
    }
  }
  for (std::size_t row = 0; row < rows; ++row) {
    for (std::size_t key = 0; key < keys; ++key) {
      const std::size_t lane = lane_of(key);
      double max = agreed(own_max, row, lane, habits.max_lanes, habits, larger);
      if (habits.max_of_both_rows)
        max = std::max(max, agreed(own_max, (row + 8) % 16, lane, habits.max_lanes, habits, larger));
      if (habits.max_not_subtracted) max = 0;
      const auto weight = static_cast<double>(std::exp(static_cast<float>(scores[row][key] - max)));
      weights[row][key] = static_cast<double>(round_to(NumberType::f16, weight));
      sums[row][lane] += weight;
    }
  }
  Numbers out(rows * size);
  for (std::size_t row = 0; row < rows; ++row) {
    for (std::size_t n = 0; n < size; ++n) {
      double result = 0;
      for (std::size_t key = 0; key < keys; ++key) {
        const double value = habits.values_not_transposed ? v[n * 16 + key] : v[key * size + n];
        const auto [from_row, from_key] = weight_of(row, key, habits);
        result += weights[from_row][from_key] * value;
      }
      const double sum = agreed(sums, habits.sum_of_other_row ? (row + 8) % 16 : row, n / 2, habits.sum_lanes,
                                habits, std::plus<>());
      const std::size_t stored = habits.rows_neighbours ? row % 8 * 2 + row / 8 : row;
      const double divided = habits.sum_guarded && sum == 0 ? 0 : result / sum;
      // As fp32 has it: a division by almost nothing gives an infinity.
      out[stored * size + n] = static_cast<double>(static_cast<float>(habits.not_divided ? result : divided));
    }
  }
  return out;
}

/// To what the weights' 11 bits leave.
bool near(double a, double b) {
  if (!std::isfinite(a) || !std::isfinite(b)) return std::isfinite(a) == std::isfinite(b);
  return std::abs(a - b) <= 0.01 * std::max({1.0, std::abs(a), std::abs(b)});
}

std::string difference(const KernelOutcome& found, const KernelOutcome& expected) {
  if (found.fault != KernelFault::none) return found.told;
  for (std::size_t i = 0; i < std::min(found.numbers.size(), expected.numbers.size()); ++i) {
    if (!near(found.numbers[i], expected.numbers[i]))
      return fmt::format("out[{}, {}] is {:.4g}, expected {:.4g}", i / size, i % size, found.numbers[i],
                         expected.numbers[i]);
  }
  return found.told;
}

/// A multiple of 1/4, so that fp16 holds it.
double made_up(std::size_t row, std::size_t column, std::int64_t seed) {
  return static_cast<double>((row * 5 + column * 7 + row * column % 13 + static_cast<std::size_t>(seed)) %
                             9) /
             4 -
         1;
}

Numbers matrix(std::size_t columns, std::int64_t seed, double factor) {
  Numbers numbers;
  numbers.reserve(16 * columns);
  for (std::size_t i = 0; i < 16 * columns; ++i)
    numbers.push_back(factor * made_up(i / columns, i % columns, seed));
  return numbers;
}

/// Of a matrix with 16 columns.
void set_column_0(Numbers& numbers, double number) {
  for (std::size_t i = 0; i < numbers.size(); i += 16) numbers[i] = number;
}

/// What is multiplied with column 0 of the keys.
double carrier(const MmaAttentionInput& input) {
  return input.far_below ? 8192 : 256;
}

Numbers by_oracle(const MmaAttentionInput& input) {
  Numbers out(rows * size);
  // With values as wide as queries, of which the first 8 count.
  Numbers wide(keys * 16, 0);
  const Numbers v = input.v();
  for (std::size_t i = 0; i < v.size(); ++i) wide[i / size * 16 + i % size] = v[i];
  Numbers all(rows * 16);
  oracle::attention({16, 16, 1, 1, 16}, {.causal = false, .window = {}}, input.scale, input.q(), input.k(),
                    wide, all);
  for (std::size_t i = 0; i < out.size(); ++i) out[i] = all[i / size * 16 + i % size];
  return out;
}

/// Right, with these findings of the counters in all combinations where `always` are there.
std::vector<std::function<KernelOutcome(const MmaAttentionInput&)>> with_counts(const KernelOutcome& always) {
  std::vector<std::function<KernelOutcome(const MmaAttentionInput&)>> runs;
  for (const bool reread : {false, true}) {
    for (const bool few_lanes : {false, true}) {
      if (reread && few_lanes) continue;  // one of them is told
      runs.emplace_back([=](const MmaAttentionInput& input) {
        KernelOutcome outcome = input.counted ? always : KernelOutcome{};
        outcome.numbers = by_oracle(input);
        outcome.reread = reread && input.counted;
        outcome.few_lanes = few_lanes && input.counted;
        return outcome;
      });
    }
  }
  return runs;
}

}  // namespace

std::vector<double> MmaAttentionInput::q() const {
  Numbers numbers = matrix(16, seed, factor);
  if (lifted || later != 0 || far_below) set_column_0(numbers, carrier(*this));
  return numbers;
}
std::vector<double> MmaAttentionInput::k() const {
  Numbers numbers = matrix(16, seed + 2, 1);
  if (lifted || later != 0) set_column_0(numbers, lifted ? lift / scale / carrier(*this) : 0);
  if (far_below) set_column_0(numbers, -24416);
  for (std::size_t key = 8; later != 0 && key < keys; ++key)
    numbers[key * 16] = later / scale / carrier(*this);
  return numbers;
}
std::vector<double> MmaAttentionInput::v() const {
  return matrix(size, seed + 4, 4);
}

FunctionCheck<MmaAttentionInput, KernelOutcome> mma_attention_check() {
  FunctionCheck<MmaAttentionInput, KernelOutcome> check;
  check.name = "mma_attention";
  check.chapter = 15;
  check.what = "16 queries, 16 keys, by one warp; scores and weights stay in registers";
  check.cases = {{"mean", "queries of 0: the mean of the values", {.factor = 0}},
                 {"small", "scores around 1", {.factor = 0.5, .seed = 1}},
                 {"usual", "scores around 2", {.factor = 1, .seed = 3}},
                 {"scale", "the same with a scale of 1/2", {.factor = 1, .seed = 3, .scale = 0.5}},
                 {"large", "scores beyond fp16's exp", {.factor = 16, .seed = 5}},
                 {"late", "scores of keys 8 to 15 higher by 24", {.factor = 1, .seed = 3, .later = 24}},
                 {"early", "scores of keys 8 to 15 lower by 24", {.factor = 1, .seed = 3, .later = -24}},
                 {"low", "scores around -20000", {.factor = 1, .seed = 3, .lifted = true}},
                 {"far-below", "scores around -50 million", {.factor = 256, .seed = 3, .far_below = true}},
                 {"counted",
                  "scores around 2, and instructions and requests are counted",
                  {.factor = 1, .seed = 7, .counted = true}}};
  check.oracle = [](const MmaAttentionInput& input) { return KernelOutcome{.numbers = by_oracle(input)}; };
  check.same = [](const KernelOutcome& found, const KernelOutcome& expected) {
    return same_outcome(found, expected, near);
  };
  check.show = [](const KernelOutcome& outcome) { return show_numbers(outcome.numbers); };
  check.difference = difference;
  const auto mistake = [](std::string name, std::string sentence, MmaHabits habits) {
    return kernel_mistake<MmaAttentionInput>(std::move(name), std::move(sentence),
                                             [habits](const MmaAttentionInput& input) {
                                               return KernelOutcome{.numbers = attended(input, habits)};
                                             });
  };
  const auto mistake_of_pairs = [&](std::string name, std::string sentence, MmaHabits habits) {
    MmaHabits other = habits;
    other.other_pairs = true;
    auto one = mistake(std::move(name), std::move(sentence), habits);
    one.also = {
        [other](const MmaAttentionInput& input) { return KernelOutcome{.numbers = attended(input, other)}; }};
    return one;
  };
  // Without weights a row is 0 where someone does not divide by their sum.
  auto max_starts_at_0 = mistake("mma_max_starts_at_0",
                                 "the maximum starts at 0 or another number, and scores far below are lost; "
                                 "it starts at -inf",
                                 {.max_starts_at_0 = true});
  max_starts_at_0.also = {[](const MmaAttentionInput& input) {
    return KernelOutcome{.numbers = attended(input, {.max_starts_at_0 = true, .sum_guarded = true})};
  }};
  // A start below the scores of the case before spoils the last one alone.
  for (const bool guarded : {false, true}) {
    max_starts_at_0.also.emplace_back([guarded](const MmaAttentionInput& input) {
      return KernelOutcome{.numbers =
                               attended(input, {.max_starts_at_0 = input.far_below, .sum_guarded = guarded})};
    });
  }
  const auto everywhere = [](std::string name, std::string sentence, KernelFault fault) {
    return kernel_mistake<MmaAttentionInput>(std::move(name), std::move(sentence),
                                             [fault](const MmaAttentionInput&) { return faulty(fault); });
  };
  const auto counted = [](std::string name, std::string sentence, const KernelOutcome& always,
                          std::vector<KernelOutcome> others) {
    auto runs = with_counts(always);
    for (const KernelOutcome& other : others) std::ranges::copy(with_counts(other), std::back_inserter(runs));
    const auto first = runs.front();
    runs.erase(runs.begin());
    return kernel_mistake<MmaAttentionInput>(std::move(name), std::move(sentence), first, std::move(runs));
  };
  check.mistakes = {
      mistake("mma_values_not_transposed",
              "values read along a row; a register holds number g of two keys, 2t and 2t + 1",
              {.values_not_transposed = true}),
      mistake(
          "mma_key_halves_swapped",
          "the factor's registers in the wrong order: 0 and 1 are keys 2t and 2t + 1, 2 and 3 are 8 further",
          {.key_halves_swapped = true}),
      mistake("mma_weight_rows_swapped", "rows g and g + 8 swapped in the factor of weights",
              {.lower_as_upper = true}),
      mistake("mma_registers_swapped",
              "the factor's registers 1 and 2 swapped: 1 is of row g + 8, keys 2t and 2t + 1, 2 of row g, 8 "
              "further",
              {.registers_swapped = true}),
      mistake("mma_max_of_one_lane",
              "each lane subtracts the largest of its own scores; the four lanes of a row must agree",
              {.max_lanes = 1}),
      mistake_of_pairs("mma_max_of_two_lanes",
                       "the largest score of two lanes subtracted, after one shuffle; four lanes share a row",
                       {.max_lanes = 2}),
      mistake("mma_sum_of_one_lane", "divided by the sum of one lane's weights; four lanes share a row",
              {.sum_lanes = 1}),
      mistake_of_pairs("mma_sum_of_two_lanes",
                       "divided by the sum of two lanes' weights, after one shuffle; four lanes share a row",
                       {.sum_lanes = 2}),
      mistake("mma_max_not_subtracted", "the largest score not subtracted; fp16 ends at e^11",
              {.max_not_subtracted = true}),
      max_starts_at_0,
      mistake("mma_scale_left_out", "scores not multiplied by the scale", {.scale_left_out = true}),
      mistake("mma_scale_fixed", "a scale of 1/4 written into the kernel; it is an argument",
              {.scale_fixed = true}),
      mistake("mma_max_of_first_keys",
              "the largest of keys 0 to 7 alone subtracted; keys 8 to 15 may be far above them",
              {.max_of_first_keys = true}),
      mistake("mma_max_of_both_rows",
              "one largest score for rows g and g + 8; each row has its own, or its weights may all be 0",
              {.max_of_both_rows = true}),
      mistake("mma_shuffles_across_rows",
              "shuffles with 8 and 16, which lead to lanes of other rows; with 1 and 2 the four lanes of a "
              "row agree",
              {.shuffles_across_rows = true}),
      mistake("mma_sum_of_other_row", "row g divided by the sum of row g + 8, and the other way round",
              {.sum_of_other_row = true}),
      mistake("mma_not_divided", "the result not divided by the sum of the weights", {.not_divided = true}),
      mistake("mma_rows_neighbours", "the result stored in rows 2g and 2g + 1; a lane has rows g and g + 8",
              {.rows_neighbours = true}),
      everywhere("mma_rows_of_16",
                 "what lies outside an array is reached for; values and out have 8 numbers a row, not 16",
                 KernelFault::out_of_bounds),
      everywhere(
          "mma_lanes_left_out",
          "a shuffle or a product without some lanes, which a mask, an `if` or a return before it leaves "
          "out; all 32 take part",
          KernelFault::missing_lane),
      everywhere(
          "mma_lanes_at_one_place",
          "two lanes use one place, and nothing says which comes first; each has four results of its own",
          KernelFault::race),
      counted(
          "mma_weights_by_hand",
          "right, but not by three instructions of the tensor cores: two for the scores, one for the values",
          {.numbers = {}, .tensor = true}, {{.numbers = {}, .tensor = true, .through_shared = true}}),
      counted("mma_weights_through_shared",
              "right, but through shared memory; what a lane has of the weights is what the second product "
              "wants of it",
              {.numbers = {}, .through_shared = true}, {})};
  return check;
}

}  // namespace rung::check

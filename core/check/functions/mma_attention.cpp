#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <string>
#include <utility>

#include <fmt/format.h>

#include "core/check/functions/flash_attention.h"
#include "core/check/functions/show.h"
#include "core/check/number_type.h"
#include "core/oracle/attention.h"

namespace rung::check {
namespace {

using Numbers = std::vector<double>;

constexpr std::size_t rows = 16, keys = 16, size = 8;
constexpr double scale = 0.25;

struct MmaHabits {
  bool values_not_transposed = false;  ///< values read as [8, 16]
  bool key_halves_swapped = false;     ///< weights of keys 8 … 15 multiplied with the values of 0 … 7
  bool lower_as_upper = false;         ///< rows g and g + 8 change places in the factor
  bool registers_swapped = false;      ///< the factor's registers 1 and 2
  std::size_t max_lanes = 4, sum_lanes = 4;  ///< of a quad, neighbours, agree; 1: none with another
  bool other_pairs = false;                  ///< lanes 0 and 2, 1 and 3 where two agree
  bool max_not_subtracted = false, max_starts_at_0 = false, sum_guarded = false;
  bool scale_left_out = false;
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
  std::array<std::array<double, keys>, rows> weights{};
  std::array<std::array<double, 4>, rows> sums{};
  for (std::size_t row = 0; row < rows; ++row) {
    std::array<double, keys> scores{};
    std::array<double, 4> own_max{};
    own_max.fill(habits.max_starts_at_0 ? 0 : -std::numeric_limits<double>::infinity());
    for (std::size_t key = 0; key < keys; ++key) {
      for (std::size_t d = 0; d < 16; ++d) scores[key] += q[row * 16 + d] * k[key * 16 + d];
      scores[key] *= habits.scale_left_out ? 1 : scale;
      own_max[lane_of(key)] = std::max(own_max[lane_of(key)], scores[key]);
    }
    std::array<double, 4> max = own_max;
    for (std::size_t lane = 0; lane < 4; ++lane) {
      for (std::size_t other = 0; other < 4; ++other)
        if (agree(lane, other, habits.max_lanes, habits)) max[lane] = std::max(max[lane], own_max[other]);
    }
    if (habits.max_not_subtracted) max.fill(0);
    for (std::size_t key = 0; key < keys; ++key) {
      const auto weight = static_cast<double>(std::exp(static_cast<float>(scores[key] - max[lane_of(key)])));
      weights[row][key] = static_cast<double>(round_to(NumberType::f16, weight));
      sums[row][lane_of(key)] += weight;
    }
  }
  Numbers out;
  out.reserve(rows * size);
  for (std::size_t row = 0; row < rows; ++row) {
    for (std::size_t n = 0; n < size; ++n) {
      double result = 0;
      for (std::size_t key = 0; key < keys; ++key) {
        const double value = habits.values_not_transposed ? v[n * 16 + key] : v[key * size + n];
        const auto [from_row, from_key] = weight_of(row, key, habits);
        result += weights[from_row][from_key] * value;
      }
      double sum = 0;
      for (std::size_t lane = 0; lane < 4; ++lane)
        if (agree(n / 2, lane, habits.sum_lanes, habits)) sum += sums[row][lane];
      out.push_back(habits.sum_guarded && sum == 0 ? 0 : result / sum);
    }
  }
  return out;
}

/// To what the weights' 11 bits leave.
bool near(double a, double b) {
  if (!std::isfinite(a) || !std::isfinite(b)) return std::isfinite(a) == std::isfinite(b);
  return std::abs(a - b) <= 0.01 * std::max({1.0, std::abs(a), std::abs(b)});
}

std::string difference(const Numbers& found, const Numbers& expected) {
  for (std::size_t i = 0; i < std::min(found.size(), expected.size()); ++i) {
    if (!near(found[i], expected[i]))
      return fmt::format("out[{}, {}] is {:.4g}, expected {:.4g}", i / size, i % size, found[i], expected[i]);
  }
  return "";
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

}  // namespace

std::vector<double> MmaAttentionInput::q() const {
  Numbers numbers = matrix(16, seed, factor);
  if (lifted) set_column_0(numbers, 256);
  return numbers;
}
std::vector<double> MmaAttentionInput::k() const {
  Numbers numbers = matrix(16, seed + 2, 1);
  if (lifted) set_column_0(numbers, lift / scale / 256);
  return numbers;
}
std::vector<double> MmaAttentionInput::v() const {
  return matrix(size, seed + 4, 4);
}

FunctionCheck<MmaAttentionInput, std::vector<double>> mma_attention_check() {
  FunctionCheck<MmaAttentionInput, Numbers> check;
  check.name = "mma_attention";
  check.chapter = 15;
  check.what = "16 queries, 16 keys, by one warp; scores and weights stay in registers";
  check.cases = {{"mean", "queries of 0: the mean of the values", {.factor = 0}},
                 {"small", "scores around 1", {.factor = 0.5, .seed = 1}},
                 {"usual", "scores around 2", {.factor = 1, .seed = 3}},
                 {"large", "scores beyond fp16's exp", {.factor = 16, .seed = 5}},
                 {"low", "scores around -20000", {.factor = 1, .seed = 3, .lifted = true}}};
  check.oracle = [](const MmaAttentionInput& input) {
    Numbers out(rows * size);
    // With values as wide as queries, of which the first 8 count.
    Numbers wide(keys * 16, 0);
    const Numbers v = input.v();
    for (std::size_t i = 0; i < v.size(); ++i) wide[i / size * 16 + i % size] = v[i];
    Numbers all(rows * 16);
    oracle::attention({16, 16, 1, 1, 16}, {.causal = false, .window = {}}, scale, input.q(), input.k(), wide,
                      all);
    for (std::size_t i = 0; i < out.size(); ++i) out[i] = all[i / size * 16 + i % size];
    return out;
  };
  check.same = [](const Numbers& found, const Numbers& expected) {
    return std::ranges::equal(found, expected, near);
  };
  check.show = show_numbers;
  check.difference = difference;
  const auto mistake = [](std::string name, std::string sentence, MmaHabits habits) {
    return FunctionMistake<MmaAttentionInput, Numbers>{
        std::move(name), std::move(sentence),
        [habits](const MmaAttentionInput& input) { return attended(input, habits); }};
  };
  const auto mistake_of_pairs = [&](std::string name, std::string sentence, MmaHabits habits) {
    MmaHabits other = habits;
    other.other_pairs = true;
    auto one = mistake(std::move(name), std::move(sentence), habits);
    one.also = {[other](const MmaAttentionInput& input) { return attended(input, other); }};
    return one;
  };
  // Without weights a row is 0 where someone does not divide by their sum.
  auto max_starts_at_0 = mistake("mma_max_starts_at_0",
                                 "the maximum starts at 0 or another number, and scores far below are lost; "
                                 "it starts at -inf",
                                 {.max_starts_at_0 = true});
  max_starts_at_0.also = {[](const MmaAttentionInput& input) {
    return attended(input, {.max_starts_at_0 = true, .sum_guarded = true});
  }};
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
      mistake("mma_scale_left_out", "scores not multiplied by the scale, 1/4", {.scale_left_out = true})};
  return check;
}

}  // namespace rung::check

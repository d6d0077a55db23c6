#include <cmath>
#include <cstddef>
#include <functional>
#include <utility>
#include <variant>

#include "core/check/functions/attention.h"
#include "core/check/functions/show.h"
#include "core/oracle/rope.h"

namespace rung::check {
namespace {

using Numbers = std::vector<double>;

// A model's frequencies.

Numbers frequencies(const RopeFrequenciesInput& input) {
  return oracle::rope_frequencies(input.config, input.head_dim);
}

/// The right frequencies of another model.
FunctionMistake<RopeFrequenciesInput, Numbers> misread(std::string name, std::string sentence,
                                                       std::function<void(RopeConfig&)> change) {
  return {std::move(name), std::move(sentence), [change = std::move(change)](RopeFrequenciesInput input) {
            change(input.config);
            return frequencies(input);
          }};
}

/// Some kind of scaling forgotten.
template <typename Scaling>
FunctionMistake<RopeFrequenciesInput, Numbers> forgotten(std::string name, std::string sentence) {
  return misread(std::move(name), std::move(sentence), [](RopeConfig& config) {
    if (std::holds_alternative<Scaling>(config.scaling)) config.scaling = {};
  });
}

std::vector<FunctionMistake<RopeFrequenciesInput, Numbers>> frequency_mistakes() {
  return {
      misread("scaling_left_out",
              "theta^(-2i/D) as it is; a model may say how its frequencies are scaled, and they are not "
              "what they are without",
              [](RopeConfig& config) { config.scaling = {}; }),
      forgotten<LinearRopeScaling>("linear_scaling_left_out",
                                   "linear scaling left out; every frequency is divided by the factor"),
      forgotten<Llama3RopeScaling>(
          "llama3_scaling_left_out",
          "Llama 3's scaling left out; frequencies whose wavelength is longer than the context it was "
          "first trained on are divided by the factor"),
      forgotten<RopeFrequencyFactors>(
          "factors_left_out", "the model's own factors left out; frequency i is divided by factors[i]"),
      misread("linear_factor_multiplied",
              "frequencies multiplied by the factor of linear scaling; they are divided by it",
              [](RopeConfig& config) {
                if (auto* linear = std::get_if<LinearRopeScaling>(&config.scaling))
                  linear->factor = 1 / linear->factor;
              }),
      misread("first_factor_for_all",
              "every frequency divided by the first factor; frequency i has factors[i]",
              [](RopeConfig& config) {
                if (auto* given = std::get_if<RopeFrequencyFactors>(&config.scaling)) {
                  for (float& factor : given->factors) factor = given->factors.front();
                }
              }),
  };
}

// Rows that lie apart.

constexpr std::int64_t width = RopeRowsInput::heads * RopeRowsInput::head_dim;
constexpr double step = 0.5;  // the second pair's angle per position

/// The memory with row t turned where it stands if rows are `apart` numbers from one another.
/// @param first_for_all  the first row's position is taken for every row's
Numbers turned(const RopeRowsInput& input, std::int64_t apart, std::int64_t heads,
               bool first_for_all = false) {
  Numbers memory = rope_rows_before(input);
  const Numbers angles = {1, step};
  for (std::size_t t = 0; t < input.positions.size(); ++t) {
    const std::vector<std::int64_t> position = {input.positions[first_for_all ? 0 : t]};
    const auto row = std::span(memory).subspan(t * static_cast<std::size_t>(apart),
                                               static_cast<std::size_t>(heads * RopeRowsInput::head_dim));
    oracle::rope(input.layout, angles, position, row, heads, row);
  }
  return memory;
}

Numbers right_rows(const RopeRowsInput& input) {
  return turned(input, width + input.gap, RopeRowsInput::heads);
}

}  // namespace

FunctionCheck<RopeFrequenciesInput, std::vector<double>> rope_frequencies_check() {
  FunctionCheck<RopeFrequenciesInput, Numbers> check;
  check.name = "rope_frequencies";
  check.chapter = 3;
  check.what = "the angle per position of each pair of a head, theta^(-2i/D), scaled as the model says";
  check.cases = {
      {"plain", "theta 10000, D = 8", {.config = {.theta = 10000, .scaling = {}}, .head_dim = 8}},
      {"theta", "theta 500000, D = 6", {.config = {.theta = 500000, .scaling = {}}, .head_dim = 6}},
      {"linear",
       "theta 10000, D = 8, linear scaling by 4",
       {.config = {.theta = 10000, .scaling = LinearRopeScaling{.factor = 4}}, .head_dim = 8}},
      {"llama3",
       "theta 500000, D = 16, Llama 3.1's scaling: factor 8, wavelengths of 2048 to 8192 blended",
       {.config = {.theta = 500000, .scaling = Llama3RopeScaling{}}, .head_dim = 16}},
      {"factors",
       "theta 10000, D = 8, divided by the factors 2, 1, 4 and 8",
       {.config = {.theta = 10000, .scaling = RopeFrequencyFactors{{2, 1, 4, 8}}}, .head_dim = 8}},
  };
  check.oracle = frequencies;
  check.mistakes = frequency_mistakes();
  // In fp32 a power is good to some units of 2^-24.
  check.same = [](const Numbers& found, const Numbers& expected) {
    return same_numbers(found, expected, 2e-6);
  };
  check.show = show_numbers;
  return check;
}

std::vector<double> rope_rows_before(const RopeRowsInput& input) {
  const auto all = static_cast<std::int64_t>(input.positions.size()) * (width + input.gap);
  Numbers memory;
  for (std::int64_t at = 0; at < all; ++at) memory.push_back(static_cast<double>(at + 1));
  return memory;
}

FunctionCheck<RopeRowsInput, std::vector<double>> rope_rows_check() {
  using enum RopeLayout;
  FunctionCheck<RopeRowsInput, Numbers> check;
  check.name = "rope_rows";
  check.chapter = 3;
  check.what =
      "rows of a wider matrix (2 heads, D = 4) turned in place; what lies between two rows stays as it is";
  check.cases = {
      {"together", "3 rows without gaps, half_split, positions 0, 1, 2", {half_split, {0, 1, 2}, 0}},
      {"apart",
       "3 rows with 4 numbers between them (an outer stride of 12), half_split, positions 1, 2, 3",
       {half_split, {1, 2, 3}, 4}},
      {"apart-interleaved",
       "2 rows with 3 numbers between them (an outer stride of 11), interleaved, positions 5, 1",
       {interleaved, {5, 1}, 3}},
  };
  check.oracle = right_rows;
  check.mistakes = {
      {"row_stride_ignored",
       "rows taken to stand one right behind another; a view's rows are x.outerStride() numbers apart",
       [](const RopeRowsInput& input) { return turned(input, width, RopeRowsInput::heads); }},
      {"first_position_for_all",
       "every row turned by the angles of the first; row t of the rotations belongs to row t",
       [](const RopeRowsInput& input) {
         return turned(input, width + input.gap, RopeRowsInput::heads, true);
       }},
      {"gap_turned",
       "as many heads turned as fit between two rows; a row has x.cols() numbers, and what lies behind them "
       "is "
       "somebody else's",
       [](const RopeRowsInput& input) {
         return turned(input, width + input.gap, (width + input.gap) / RopeRowsInput::head_dim);
       }},
  };
  check.same = [](const Numbers& found, const Numbers& expected) {
    if (found.size() != expected.size()) return false;
    for (std::size_t i = 0; i < found.size(); ++i) {
      // A difference of two numbers may come out small; they are below 40.
      if (!(std::abs(found[i] - expected[i]) <= 1e-4)) return false;
    }
    return true;
  };
  check.show = show_numbers;
  return check;
}

}  // namespace rung::check

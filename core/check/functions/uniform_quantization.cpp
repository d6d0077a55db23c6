#include "core/check/functions/uniform_quantization.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <random>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "core/check/functions/show.h"

namespace rung::check {
namespace {

using Input = UniformQuantizationInput;
using Output = UniformQuantizationOutput;
using Share = Input::Share;

/// What may be done wrong; `none` is right.
enum class Slip {
  none,
  toward_zero,
  ties_to_even,
  ties_up,
  one_step_too_many,
  sign_ignored,
  zero_outside_the_levels,
  zero_clamped_afterwards,
  zero_point_subtracted,
  not_clamped,
  wrapped,
  scale_of_group_before,
  one_scale_for_all,
  scale_of_column,
  groups_across_rows,
  rest_joined,
  single_precision_inverse,
};

/// x ≈ scale · (q - zero).
struct Fitted {
  double scale = 0;
  std::int32_t zero = 0;
};

std::int32_t last_level(const Input& input) {
  return input.asymmetric ? (1 << input.bits) - 1 : (1 << (input.bits - 1)) - 1;
}

Fitted fitted(const Input& input, const std::vector<float>& numbers, Slip slip) {
  const std::int32_t last = last_level(input);
  const std::int32_t steps = slip == Slip::one_step_too_many ? last + 1 : last;
  const double least = double{*std::min_element(numbers.begin(), numbers.end())};
  const double most = double{*std::max_element(numbers.begin(), numbers.end())};
  if (!input.asymmetric) {
    const double largest =
        slip == Slip::sign_ignored ? std::max(most, 0.0) : std::max(std::abs(least), std::abs(most));
    return {.scale = double{static_cast<float>(largest / steps)}};
  }
  const bool zero_left_out = slip == Slip::zero_outside_the_levels || slip == Slip::zero_clamped_afterwards;
  const double from = zero_left_out ? least : std::min(least, 0.0);
  const double to = zero_left_out ? most : std::max(most, 0.0);
  const double scale = double{static_cast<float>((to - from) / steps)};
  if (scale == 0) return {};
  const double zero = std::round(-from / scale);
  if (slip == Slip::zero_outside_the_levels) return {.scale = scale, .zero = static_cast<std::int32_t>(zero)};
  return {.scale = scale, .zero = static_cast<std::int32_t>(std::clamp<double>(zero, 0, last))};
}

double whole(double steps, Slip slip) {
  switch (slip) {
    case Slip::toward_zero:
      return std::trunc(steps);
    case Slip::ties_to_even:
      return std::nearbyint(steps);
    case Slip::ties_up:
      return std::floor(steps + 0.5);
    default:
      return std::round(steps);
  }
}

std::int32_t level(const Input& input, float x, const Fitted& with, Slip slip) {
  if (with.scale == 0) return 0;
  double steps = double{x} / with.scale;
  if (slip == Slip::single_precision_inverse) {
    steps = double{x * (1 / static_cast<float>(with.scale))};
    if (!std::isfinite(steps)) steps = 0;
  }
  const std::int32_t last = last_level(input);
  const std::int32_t first = input.asymmetric ? 0 : -last;
  const double q = whole(steps, slip) + (slip == Slip::zero_point_subtracted ? -with.zero : with.zero);
  if (slip == Slip::not_clamped) return static_cast<std::int32_t>(q);
  if (slip == Slip::wrapped && input.asymmetric) return static_cast<std::int32_t>(q) & last;
  return static_cast<std::int32_t>(std::clamp<double>(q, first, last));
}

/// Which scale each number has.
std::vector<std::size_t> shares_of(const Input& input, Slip slip) {
  const auto columns = static_cast<std::size_t>(input.columns);
  const auto group = static_cast<std::size_t>(std::max<std::int64_t>(input.group, 1));
  const std::size_t groups =
      slip == Slip::rest_joined ? std::max<std::size_t>(columns / group, 1) : (columns + group - 1) / group;
  std::vector<std::size_t> shares;
  shares.reserve(input.numbers.size());
  for (std::size_t i = 0; i < input.numbers.size(); ++i) {
    const std::size_t row = i / columns;
    const std::size_t column = i % columns;
    if (input.share == Share::tensor || slip == Slip::one_scale_for_all) {
      shares.push_back(0);
    } else if (input.share == Share::row) {
      shares.push_back(slip == Slip::scale_of_column ? column : row);
    } else if (slip == Slip::groups_across_rows) {
      shares.push_back(i / group);
    } else {
      shares.push_back(row * groups + std::min(column / group, groups - 1));
    }
  }
  return shares;
}

Output quantised(const Input& input, Slip slip) {
  Output output;
  if (input.bits < 2 || input.bits > 8 || (input.share == Share::group && input.group < 1)) {
    output.refused = "usage";
    return output;
  }
  if (!std::ranges::all_of(input.numbers, [](float x) { return std::isfinite(x); })) {
    output.refused = "bad_input";
    return output;
  }
  const std::vector<std::size_t> shares = shares_of(input, slip);
  std::vector<std::vector<float>> parts(*std::ranges::max_element(shares) + 1);
  for (std::size_t i = 0; i < shares.size(); ++i) parts[shares[i]].push_back(input.numbers[i]);
  std::vector<Fitted> scales;
  scales.reserve(parts.size());
  for (const std::vector<float>& part : parts) {
    scales.push_back(fitted(input, part, slip));
    output.scales.push_back(scales.back().scale);
    output.zeros.push_back(scales.back().zero);
  }
  for (std::size_t i = 0; i < shares.size(); ++i) {
    const bool before = slip == Slip::scale_of_group_before && shares[i] > 0;
    output.levels.push_back(level(input, input.numbers[i], scales[shares[i] - (before ? 1 : 0)], slip));
  }
  return output;
}

std::string listed(const std::vector<std::int32_t>& numbers, std::size_t most) {
  const std::vector<std::int32_t> some(
      numbers.begin(), numbers.begin() + static_cast<std::ptrdiff_t>(std::min(most, numbers.size())));
  return fmt::format("[{}{}]", fmt::join(some, ", "), numbers.size() > most ? ", …" : "");
}

std::string show(const Output& output) {
  if (!output.refused.empty()) return "Error (" + output.refused + ")";
  constexpr std::size_t most = 24;
  std::vector<double> scales = output.scales;
  const bool more = scales.size() > 4;
  if (more) scales.resize(4);
  return fmt::format("{} scale{} {}{}, zero points {}, levels {}", output.scales.size(),
                     output.scales.size() == 1 ? "" : "s", show_numbers(scales), more ? " and more" : "",
                     listed(output.zeros, 4), listed(output.levels, most));
}

/// Random numbers that lie near no middle between two levels, so that every way to compute finds the same ones. Every
/// group has a size of its own, and both ends of its range are in it (of a symmetric one, one end).
std::vector<float> drawn(const Input& shape, std::size_t rows, unsigned seed) {
  std::mt19937 bits(seed);
  const auto below = [&bits](std::uint32_t n) { return static_cast<std::int32_t>(bits() % n); };
  const std::int32_t last = last_level(shape);
  const auto columns = static_cast<std::size_t>(shape.columns);
  const auto width = shape.share == Share::group ? static_cast<std::size_t>(shape.group) : columns;
  std::vector<float> numbers;
  for (std::size_t row = 0; row < rows; ++row) {
    for (std::size_t column = 0; column < columns; column += width) {
      const std::size_t here = std::min(width, columns - column);
      const double scale = std::ldexp(1.0 + below(1000) / 1024.0, -below(5) - 3);
      const std::int32_t zero = shape.asymmetric ? 1 + below(static_cast<std::uint32_t>(last - 1)) : 0;
      std::vector<double> part;
      for (std::size_t i = 0; i < here; ++i) {
        const std::int32_t first = shape.asymmetric ? 0 : -last;
        const std::int32_t q = first + below(static_cast<std::uint32_t>(last - first + 1));
        part.push_back(scale * (q - zero + (below(801) - 400) / 1000.0 * (q > first && q < last ? 1 : 0)));
      }
      part.front() = scale * (last - zero);
      if (shape.asymmetric && here > 1) part.back() = scale * (0 - zero);
      if (!shape.asymmetric && below(2) == 0) part.front() = -part.front();
      for (const double x : part) numbers.push_back(static_cast<float>(x));
    }
  }
  return numbers;
}

std::string described(const Input& input) {
  std::string text = fmt::format("{} bits, {}, ", input.bits, input.asymmetric ? "asymmetric" : "symmetric");
  if (input.share == Share::tensor) text += "one scale";
  if (input.share == Share::row) text += "a scale for each row";
  if (input.share == Share::group) text += fmt::format("a scale for each {} of a row", input.group);
  const std::size_t rows =
      input.columns == 0 ? 0 : input.numbers.size() / static_cast<std::size_t>(input.columns);
  text += fmt::format("; {} row{} of {}: ", rows, rows == 1 ? "" : "s", input.columns);
  const std::vector<float> some(
      input.numbers.begin(), input.numbers.begin() + std::min<std::ptrdiff_t>(12, std::ssize(input.numbers)));
  return text + fmt::format("{:.6g}{}", fmt::join(some, " "), input.numbers.size() > 12 ? " …" : "");
}

std::vector<FunctionCase<Input>> small_cases() {
  const std::vector<float> by_hand = {2.1F, -0.7F, 0.4F, -1.6F, 0.2F, 1.0F, -2.0F, 0.1F};
  const std::vector<float> mostly_positive = {2.8F, -0.2F, 0.65F, 1.15F, 0.0F, 1.85F, 0.28F, 2.4F};
  const std::vector<float> two_rows = {7, 1, -2, 3, 70, 10, -20, 30, 0.7F, 0.1F, -0.2F, 0.3F, 14, 2, -4, 6};
  std::vector<FunctionCase<Input>> cases;
  const auto add = [&cases](const std::string& name, Input input, const std::string& note = "") {
    std::string description = described(input) + note;
    cases.push_back({name, std::move(description), std::move(input)});
  };
  add("by-hand", {.group = 8, .columns = 8, .numbers = by_hand});
  add("by-hand-asymmetric", {.asymmetric = true, .group = 8, .columns = 8, .numbers = mostly_positive});
  add("two-groups", {.columns = 8, .numbers = two_rows});
  add("rows", {.share = Share::row, .columns = 8, .numbers = two_rows});
  add("tensor", {.share = Share::tensor, .columns = 8, .numbers = two_rows});
  add("short-group", {.columns = 6, .numbers = {7, 1, 2, 3, 35, 5, 0.7F, 0.1F, 0.2F, 0.3F, -70, 10}});
  add("group-longer-than-row", {.group = 8, .columns = 3, .numbers = {7, 1, 2, 70, 10, 20}});
  add("negative-largest", {.columns = 4, .numbers = {1, -7, 3, 2}});
  add("ties", {.group = 8, .columns = 8, .numbers = {7, 0.5F, -0.5F, 1.5F, -1.5F, 2.5F, -2.5F, 3}});
  add("ties-asymmetric",
      {.asymmetric = true, .group = 6, .columns = 6, .numbers = {7.5F, -7.5F, 0.5F, -0.5F, 2.5F, 1}});
  add("all-above-0", {.asymmetric = true, .columns = 4, .numbers = {30, 22, 17, 29}});
  add("all-below-0", {.asymmetric = true, .columns = 4, .numbers = {-30, -22, -17, -29}});
  add("zeros", {.columns = 8, .numbers = {0, 0, 0, -0.0F, 7, 0, 1, -2}});
  add("zeros-asymmetric", {.asymmetric = true, .columns = 8, .numbers = {0, 0, 0, -0.0F, 15, 0, 1, 2}});
  add("view", {.columns = 4, .numbers = {7, 1, 2, 3, -14, 2, 4, 6, 0.7F, 0.1F, 0.2F, 0.3F}, .between = 3},
      "; the rows are part of a wider matrix");
  add("subnormal", {.columns = 4, .numbers = {0x7p-140F, 0x3p-140F, -0x2p-140F, 0}});
  add("too-small-for-a-scale", {.columns = 4, .numbers = {0x3p-149F, 0x1p-149F, -0x1p-149F, 0}});
  add("huge", {.asymmetric = true, .columns = 4, .numbers = {3e38F, -3e38F, 1e38F, 0}});
  return cases;
}

std::vector<FunctionCase<Input>> uniform_cases() {
  std::vector<FunctionCase<Input>> cases = small_cases();
  constexpr float infinity = std::numeric_limits<float>::infinity();
  constexpr float nan = std::numeric_limits<float>::quiet_NaN();
  for (const bool asymmetric : {false, true}) {
    for (const int bits : {2, 3, 4, 8}) {
      Input input{.bits = bits, .asymmetric = asymmetric, .group = 16, .columns = 40, .numbers = {}};
      input.numbers = drawn(input, 5, static_cast<unsigned>(10 * bits + (asymmetric ? 1 : 0)));
      cases.push_back({fmt::format("{}-{}-bits", asymmetric ? "asymmetric" : "symmetric", bits),
                       described(input), input});
    }
  }
  const auto refused = [&cases](const std::string& name, Input input) {
    cases.push_back({name, described(input), std::move(input)});
  };
  refused("nan", {.columns = 4, .numbers = {1, nan, 2, 3}});
  refused("infinity", {.columns = 4, .numbers = {1, 2, 3, -infinity}});
  refused("one-bit", {.bits = 1, .columns = 4, .numbers = {1, 2, 3, 4}});
  refused("nine-bits", {.bits = 9, .columns = 4, .numbers = {1, 2, 3, 4}});
  refused("no-group", {.group = 0, .columns = 4, .numbers = {1, 2, 3, 4}});
  return cases;
}

}  // namespace

FunctionCheck<Input, Output> uniform_quantization_check() {
  FunctionCheck<Input, Output> check;
  check.name = "uniform_quantization";
  check.chapter = 8;
  check.what = "a matrix rounded to evenly spaced levels: symmetric or not; a scale per tensor, row or group";
  check.cases = uniform_cases();
  check.oracle = [](const Input& input) { return quantised(input, Slip::none); };
  const auto add = [&check](const char* name, const char* sentence, Slip slip) {
    check.mistakes.push_back({name, sentence, [slip](const Input& input) { return quantised(input, slip); }});
  };
  add("toward_zero",
      "levels cut off toward zero; round to the nearest, or errors are twice as large and all to one side",
      Slip::toward_zero);
  add("ties_to_even", "of two levels as near the even one; std::round takes the one farther from 0",
      Slip::ties_to_even);
  add("ties_up",
      "floor(x + 1/2), which takes the upper of two levels as near; std::round takes the one farther from 0",
      Slip::ties_up);
  add("one_step_too_many",
      "the range divided by 2^b or 2^(b-1); between the levels are 2^b - 1 steps, from 0 to the last "
      "symmetric one "
      "2^(b-1) - 1",
      Slip::one_step_too_many);
  add("sign_ignored", "the greatest number taken for the one of the largest magnitude, which may be negative",
      Slip::sign_ignored);
  add("zero_outside_the_levels",
      "numbers that are all on one side of 0 get a zero point that no level is; the range has to reach to 0",
      Slip::zero_outside_the_levels);
  add("zero_clamped_afterwards",
      "the zero point forced among the levels while the range does not reach to 0, so that most numbers are "
      "cut "
      "off; "
      "the range has to reach to 0 first",
      Slip::zero_clamped_afterwards);
  add("zero_point_subtracted", "the zero point taken off the level; it is added, and taken off when decoding",
      Slip::zero_point_subtracted);
  add("not_clamped",
      "levels beyond the last: number and zero point are rounded one by one, and both may go up; clamp them",
      Slip::not_clamped);
  add("wrapped", "levels beyond the last one cut to b bits, where 16 becomes 0; clamp them", Slip::wrapped);
  add("scale_of_group_before", "levels made with the scale of the part before; every part has its own",
      Slip::scale_of_group_before);
  add("one_scale_for_all", "one scale for all numbers where rows or groups have their own",
      Slip::one_scale_for_all);
  add("scale_of_column",
      "a scale for each column; a channel is an output, which is a row of a weight [out, in]",
      Slip::scale_of_column);
  add("groups_across_rows",
      "groups that go on in the next row; a row ends with a group, which may be shorter",
      Slip::groups_across_rows);
  add("rest_joined", "what is left of a row joined to the group before; it is a group of its own",
      Slip::rest_joined);
  add("single_precision_inverse",
      "numbers multiplied by 1/scale in fp32, which is infinite for a scale below 2^-128; divide, in double",
      Slip::single_precision_inverse);
  check.same = [](const Output& found, const Output& expected) {
    return found.refused == expected.refused && found.zeros == expected.zeros &&
           found.levels == expected.levels && same_numbers(found.scales, expected.scales, 1e-6);
  };
  check.show = show;
  return check;
}

}  // namespace rung::check

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
using Mistake = FunctionMistake<Input, Output>;
using Share = Input::Share;

/// What may be done wrong; `none` is right.
enum class Slip {
  none,
  toward_zero,
  ties_to_even,
  ties_up,
  sign_ignored,
  zero_of_unrounded_scale,
  zero_cut_off,
  zero_ties_to_even,
  zero_point_subtracted,
  zero_point_before_rounding,
  clamped_before_zero_point,
  not_clamped,
  wrapped,
  scale_of_group_before,
  one_scale_for_all,
  scale_of_first_row,
  scale_of_column,
  groups_across_rows,
  rest_joined,
  rows_taken_as_contiguous,
  single_precision,
  single_precision_throughout,
  single_precision_inverse,
  multiplied_by_inverse,
};

/// What may be wrong about the range of levels and the zero point in it; everything may come together.
struct Range {
  enum class ZeroPoint { among_levels, not_above_last, anywhere };
  bool more_symmetric_steps = false, more_asymmetric_steps = false;  ///< one too many
  bool lower_end_left = false, upper_end_left = false;               ///< where it is, instead of moved to 0
  ZeroPoint zero = ZeroPoint::among_levels;
};

/// x ≈ scale · (q - zero).
struct Fitted {
  double scale = 0;
  std::int32_t zero = 0;
  friend bool operator==(const Fitted&, const Fitted&) = default;
};

std::int32_t last_level(const Input& input) {
  return input.asymmetric ? (1 << input.bits) - 1 : (1 << (input.bits - 1)) - 1;
}

std::int32_t zero_point(double steps, std::int32_t last, Slip slip, Range::ZeroPoint where) {
  double zero = std::round(steps);
  if (slip == Slip::zero_cut_off) zero = std::trunc(steps);
  if (slip == Slip::zero_ties_to_even) zero = std::nearbyint(steps);
  if (where == Range::ZeroPoint::among_levels) zero = std::max(zero, 0.0);
  constexpr double many = 1e9;
  return static_cast<std::int32_t>(
      std::clamp<double>(zero, -many, where == Range::ZeroPoint::anywhere ? many : last));
}

Fitted fitted(const Input& input, const std::vector<float>& numbers, Slip slip, const Range& range) {
  const std::int32_t last = last_level(input);
  const bool more = input.asymmetric ? range.more_asymmetric_steps : range.more_symmetric_steps;
  const std::int32_t steps = more ? last + 1 : last;
  const double least = double{*std::min_element(numbers.begin(), numbers.end())};
  const double most = double{*std::max_element(numbers.begin(), numbers.end())};
  if (!input.asymmetric) {
    const double largest =
        slip == Slip::sign_ignored ? std::max(most, 0.0) : std::max(std::abs(least), std::abs(most));
    return {.scale = double{static_cast<float>(largest / steps)}};
  }
  const double from = range.lower_end_left ? least : std::min(least, 0.0);
  const double to = range.upper_end_left ? most : std::max(most, 0.0);
  double scale = double{static_cast<float>((to - from) / steps)};
  if (slip == Slip::single_precision_throughout) {
    const float all = static_cast<float>(to) - static_cast<float>(from);
    scale = double{all / static_cast<float>(steps)};
  }
  if (scale == 0) return {};
  const double divisor = slip == Slip::zero_of_unrounded_scale ? (to - from) / steps : scale;
  return {.scale = scale, .zero = zero_point(-from / divisor, last, slip, range.zero)};
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

/// x / scale, as the slip computes it.
double steps_to(float x, const Fitted& with, Slip slip) {
  const auto scale = static_cast<float>(with.scale);
  switch (slip) {
    case Slip::single_precision:
    case Slip::single_precision_throughout:
      return double{x / scale};
    case Slip::multiplied_by_inverse:
      return double{x} * (1 / with.scale);
    case Slip::single_precision_inverse: {
      const float steps = x * (1 / scale);
      return std::isfinite(steps) ? double{steps} : 0;
    }
    default:
      return double{x} / with.scale;
  }
}

std::int32_t level(const Input& input, float x, const Fitted& with, Slip slip) {
  if (with.scale == 0) return 0;
  const std::int32_t last = last_level(input);
  const std::int32_t first = input.asymmetric ? 0 : -last;
  const double steps = steps_to(x, with, slip);
  double q = whole(steps, slip) + with.zero;
  if (slip == Slip::zero_point_subtracted) q -= 2 * with.zero;
  if (slip == Slip::zero_point_before_rounding) q = std::round(steps + with.zero);
  if (slip == Slip::clamped_before_zero_point)
    return static_cast<std::int32_t>(std::clamp<double>(whole(steps, slip), first, last)) + with.zero;
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

/// The numbers as whoever reads a view as one piece of memory finds them.
std::vector<float> read_on(const Input& input) {
  const auto columns = static_cast<std::size_t>(input.columns);
  std::vector<float> memory;
  for (std::size_t i = 0; i < input.numbers.size(); ++i) {
    memory.push_back(input.numbers[i]);
    if ((i + 1) % columns == 0)
      memory.insert(memory.end(), static_cast<std::size_t>(input.between), nobodys_number);
  }
  memory.resize(input.numbers.size());
  return memory;
}

Output quantised(const Input& input, Slip slip, const Range& range = {}) {
  Output output;
  if (input.bits < 2 || input.bits > 8 || (input.share == Share::group && input.group < 1)) {
    output.refused = "usage";
    return output;
  }
  if (!std::ranges::all_of(input.numbers, [](float x) { return std::isfinite(x); })) {
    output.refused = "bad_input";
    return output;
  }
  const std::vector<float> numbers = slip == Slip::rows_taken_as_contiguous ? read_on(input) : input.numbers;
  const std::vector<std::size_t> shares = shares_of(input, slip);
  std::vector<std::vector<float>> parts(*std::ranges::max_element(shares) + 1);
  for (std::size_t i = 0; i < shares.size(); ++i) parts[shares[i]].push_back(numbers[i]);
  const Fitted of_all = fitted(input, input.numbers, slip, range);
  if (slip == Slip::scale_of_first_row && input.share == Share::tensor)
    parts.front().resize(static_cast<std::size_t>(input.columns));
  std::vector<Fitted> scales;
  scales.reserve(parts.size());
  for (const std::vector<float>& part : parts) {
    scales.push_back(fitted(input, part, slip, range));
    output.scales.push_back(scales.back().scale);
    output.zeros.push_back(scales.back().zero);
  }
  if (input.share == Share::tensor && scales.front() != of_all)
    output.apart = "fit_scale gives another scale";
  for (std::size_t i = 0; i < shares.size(); ++i) {
    const bool before = slip == Slip::scale_of_group_before && shares[i] > 0;
    output.levels.push_back(level(input, numbers[i], scales[shares[i] - (before ? 1 : 0)], slip));
  }
  return output;
}

// More of them are not shown.
constexpr std::size_t most_levels = 24;

// Scales may differ in their last bits.
constexpr double scale_tolerance = 1e-6;

std::string listed(const std::vector<std::int32_t>& numbers, std::size_t most) {
  const std::vector<std::int32_t> some(
      numbers.begin(), numbers.begin() + static_cast<std::ptrdiff_t>(std::min(most, numbers.size())));
  return fmt::format("[{}{}]", fmt::join(some, ", "), numbers.size() > most ? ", …" : "");
}

std::string show(const Output& output) {
  if (!output.refused.empty()) return "Error (" + output.refused + ")";
  std::vector<double> scales = output.scales;
  const bool more = scales.size() > 4;
  if (more) scales.resize(4);
  return fmt::format("{} scale{} {}{}, zero points {}, levels {}{}{}", output.scales.size(),
                     output.scales.size() == 1 ? "" : "s", show_numbers(scales), more ? " and more" : "",
                     listed(output.zeros, 4), listed(output.levels, most_levels),
                     output.apart.empty() ? "" : "; ", output.apart);
}

/// The first number that is wrong, of outputs that are not shown whole or look alike.
std::string difference(const Output& found, const Output& expected) {
  const bool as_long = found.refused == expected.refused && found.scales.size() == expected.scales.size() &&
                       found.zeros.size() == expected.zeros.size() &&
                       found.levels.size() == expected.levels.size();
  if (!as_long || (expected.levels.size() <= most_levels && show(found) != show(expected))) return {};
  for (std::size_t i = 0; i < expected.scales.size(); ++i) {
    if (!same_numbers({found.scales[i]}, {expected.scales[i]}, scale_tolerance))
      return fmt::format("scale {} of {}: expected {:.9g}, found {:.9g}", i, expected.scales.size(),
                         expected.scales[i], found.scales[i]);
    if (found.zeros[i] != expected.zeros[i])
      return fmt::format("zero point {} of {}: expected {}, found {}", i, expected.zeros.size(),
                         expected.zeros[i], found.zeros[i]);
  }
  const auto [wrong, right] =
      std::mismatch(found.levels.begin(), found.levels.end(), expected.levels.begin());
  if (wrong == found.levels.end()) return {};
  return fmt::format("the scales are right; level {} of {}, row by row from 0: expected {}, found {}",
                     wrong - found.levels.begin(), found.levels.size(), *right, *wrong);
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
  const std::vector<float> larger_below = {0.7F, 0.1F, -0.2F, 0.3F, 7, 1, -2, 3};
  add("tensor-largest-below", {.share = Share::tensor, .columns = 4, .numbers = larger_below});
  add("tensor-asymmetric",
      {.asymmetric = true, .share = Share::tensor, .columns = 4, .numbers = {2, 1, 12, 4, -3, 0, -1, 2}});
  add("rows-asymmetric",
      {.asymmetric = true, .share = Share::row, .columns = 4, .numbers = {2, 1, 13, -2, -30, 0, -10, 20}});
  add("short-group", {.columns = 6, .numbers = {7, 1, 2, 3, 35, 5, 0.7F, 0.1F, 0.2F, 0.3F, -70, 10}});
  add("group-longer-than-row", {.group = 8, .columns = 3, .numbers = {7, 1, 2, 70, 10, 20}});
  add("negative-largest", {.columns = 4, .numbers = {1, -7, 3, 2}});
  add("ties", {.group = 8, .columns = 8, .numbers = {7, 0.5F, -0.5F, 1.5F, -1.5F, 2.5F, -2.5F, 3}});
  add("ties-asymmetric",
      {.asymmetric = true, .group = 6, .columns = 6, .numbers = {7.5F, -7.5F, 0.5F, -0.5F, 2.5F, 1}});
  add("zero-point-in-the-middle", {.asymmetric = true, .columns = 4, .numbers = {12.5F, -2.5F, 4, 1}},
      "; 0 is 2.5 steps above the least");
  add("zero-point-of-the-float", {.asymmetric = true, .columns = 4, .numbers = {-1, 1, 0.75F, -0.25F}},
      "; 0 is half a step from a level, and with the scale as a float a little less");
  add("ties-by-division", {.columns = 4, .numbers = {343, 73.5F, -24.5F, 171.5F}},
      "; x / 49 is 1.5 exactly, and x times 1/49 is not");
  add("near-ties", {.columns = 4, .numbers = {0.7F, 0.35F, -0.25F, 0.45F}},
      "; x / scale is a little below 3.5, but not in fp32");
  add("all-above-0", {.asymmetric = true, .columns = 4, .numbers = {30, 22, 17, 29}});
  add("all-below-0", {.asymmetric = true, .columns = 4, .numbers = {-30, -22, -17, -29}});
  add("zeros", {.columns = 8, .numbers = {0, 0, 0, -0.0F, 7, 0, 1, -2}});
  add("zeros-asymmetric", {.asymmetric = true, .columns = 8, .numbers = {0, 0, 0, -0.0F, 15, 0, 1, 2}});
  add("view", {.columns = 4, .numbers = {7, 1, 2, 3, -14, 2, 4, 6, 0.7F, 0.1F, 0.2F, 0.3F}, .between = 3},
      "; the rows are part of a wider matrix");
  add("subnormal", {.columns = 4, .numbers = {0x7p-140F, 0x3p-140F, -0x2p-140F, 0}});
  add("too-small-for-a-scale", {.columns = 4, .numbers = {0x3p-149F, 0x1p-149F, -0x1p-149F, 0}});
  add("too-small-for-a-scale-asymmetric",
      {.asymmetric = true, .columns = 4, .numbers = {0x3p-149F, 0x1p-149F, -0x1p-149F, 0}});
  add("subnormal-asymmetric",
      {.asymmetric = true, .columns = 4, .numbers = {-0x16p-149F, -0x9p-149F, -0x2p-149F, 0}},
      "; the scale, 22/15 of the smallest number, becomes 1 of it, and a zero point of 22 is no level");
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
  const auto run = [](Slip slip, const Range& range = {}) {
    return [slip, range](const Input& input) { return quantised(input, slip, range); };
  };
  const auto add = [&](const char* name, const char* sentence, Slip slip) -> auto& {
    return check.mistakes.emplace_back(Mistake{name, sentence, run(slip)});
  };
  // Of a range: the other ways are the same with a zero point that is cut to the levels otherwise.
  using ZeroPoint = Range::ZeroPoint;
  const auto add_range = [&](const char* name, const char* sentence, Range range,
                             const std::vector<ZeroPoint>& also) {
    Mistake& mistake = check.mistakes.emplace_back(Mistake{name, sentence, run(Slip::none, range)});
    for (const ZeroPoint zero : also) {
      range.zero = zero;
      mistake.also.emplace_back(run(Slip::none, range));
    }
  };
  add("toward_zero",
      "levels cut off toward zero, so that all become smaller; round to the nearest, or errors are twice as "
      "large",
      Slip::toward_zero);
  add("ties_to_even", "of two levels as near the even one; std::round takes the one farther from 0",
      Slip::ties_to_even);
  add("ties_up",
      "floor(x + 1/2), which takes the upper of two levels as near; std::round takes the one farther from 0",
      Slip::ties_up);
  add_range("one_step_too_many",
            "the range divided by 2^b or 2^(b-1); between the levels are 2^b - 1 steps, from 0 to the last "
            "symmetric one 2^(b-1) - 1",
            {.more_symmetric_steps = true, .more_asymmetric_steps = true}, {ZeroPoint::anywhere});
  add_range("one_step_too_many_symmetric",
            "the symmetric range divided by 2^(b-1); from 0 to the last level are 2^(b-1) - 1 steps",
            {.more_symmetric_steps = true}, {ZeroPoint::anywhere});
  add_range("one_step_too_many_asymmetric",
            "the asymmetric range divided by 2^b; between 2^b levels are 2^b - 1 steps",
            {.more_asymmetric_steps = true}, {ZeroPoint::anywhere});
  add("sign_ignored", "the greatest number taken for the one of the largest magnitude, which may be negative",
      Slip::sign_ignored);
  add_range(
      "zero_outside_the_levels",
      "numbers that are all on one side of 0 get a zero point that no level is; the range has to reach to 0",
      {.lower_end_left = true, .upper_end_left = true, .zero = ZeroPoint::anywhere},
      {ZeroPoint::not_above_last});
  add_range(
      "zero_clamped_afterwards",
      "the zero point forced among the levels while the range does not reach to 0, so that most numbers are "
      "cut off; the range has to reach to 0 first",
      {.lower_end_left = true, .upper_end_left = true}, {});
  add_range("lower_end_not_moved",
            "of numbers that are all above 0 the range begins at the least; it has to reach down to 0",
            {.lower_end_left = true}, {ZeroPoint::not_above_last, ZeroPoint::anywhere});
  add_range("upper_end_not_moved",
            "of numbers that are all below 0 the range ends at the greatest; it has to reach up to 0",
            {.upper_end_left = true}, {ZeroPoint::not_above_last, ZeroPoint::anywhere});
  add_range(
      "zero_beyond_the_levels",
      "a zero point beyond the last level, where a scale has been rounded down far; it is a level itself",
      {.zero = ZeroPoint::anywhere}, {});
  add("zero_of_unrounded_scale",
      "the zero point by the scale in double; a decoder has the float, so divide by that one",
      Slip::zero_of_unrounded_scale);
  add("zero_cut_off", "the zero point cut off; it is the nearest level, std::round", Slip::zero_cut_off);
  add("zero_ties_to_even",
      "the even one of two levels as near for the zero point; std::round takes the one farther from 0",
      Slip::zero_ties_to_even);
  add("zero_point_subtracted", "the zero point taken off the level; it is added, and taken off when decoding",
      Slip::zero_point_subtracted);
  add("zero_point_before_rounding",
      "the zero point added before rounding, which turns ties of negative numbers around; round x / scale "
      "alone, "
      "then add",
      Slip::zero_point_before_rounding);
  add("clamped_before_zero_point",
      "x / scale clamped to the levels before the zero point is added; it counts from the zero point, so "
      "clamp the "
      "sum",
      Slip::clamped_before_zero_point);
  add("not_clamped",
      "levels beyond the last: number and zero point are rounded one by one, and both may go up; clamp them",
      Slip::not_clamped);
  add("wrapped", "levels beyond the last one cut to b bits, where 16 becomes 0; clamp them", Slip::wrapped);
  add("scale_of_group_before", "levels made with the scale of the part before; every part has its own",
      Slip::scale_of_group_before);
  add("one_scale_for_all", "one scale for all numbers where rows or groups have their own",
      Slip::one_scale_for_all);
  add("scale_of_first_row",
      "the scale of a whole matrix made from its first row; a part has a height, too: "
      "block(row, column, height, width)",
      Slip::scale_of_first_row);
  add("scale_of_column",
      "a scale for each column; a channel is an output, which is a row of a weight [out, in]",
      Slip::scale_of_column);
  add("groups_across_rows",
      "groups that go on in the next row; a row ends with a group, which may be shorter",
      Slip::groups_across_rows);
  add("rest_joined", "what is left of a row joined to the group before; it is a group of its own",
      Slip::rest_joined);
  add("rows_taken_as_contiguous",
      "rows read from data() as if one began where the last one ends; in a part of a wider matrix they are "
      "apart, "
      "so take block() or (row, column)",
      Slip::rows_taken_as_contiguous);
  add("single_precision",
      "x / scale in fp32, where what is a little below the middle between two levels rounds to it; divide in "
      "double",
      Slip::single_precision)
      .also.emplace_back(run(Slip::single_precision_throughout));
  add("single_precision_inverse",
      "numbers multiplied by 1/scale in fp32, which is infinite for a scale below 2^-128; divide, in double",
      Slip::single_precision_inverse);
  add("multiplied_by_inverse",
      "numbers multiplied by 1/scale, which rounds twice: 73.5 · (1/49) is below 1.5; divide",
      Slip::multiplied_by_inverse);
  check.same = [](const Output& found, const Output& expected) {
    return found.refused == expected.refused && found.zeros == expected.zeros &&
           found.levels == expected.levels && same_numbers(found.scales, expected.scales, scale_tolerance) &&
           found.apart.empty() == expected.apart.empty();
  };
  check.show = show;
  check.difference = difference;
  return check;
}

}  // namespace rung::check

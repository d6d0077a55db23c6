#include "core/oracle/half.h"

#include <bit>
#include <cmath>
#include <limits>
#include <string>
#include <utility>

#include <fmt/format.h>

#include "core/check/functions/show.h"
#include "core/check/functions/tensors.h"

namespace rung::check {
namespace {

using Values = std::vector<double>;

// fp16 to fp32.

/// What a known mistake makes of a pattern: its parts, and the right value.
struct Parts {
  double sign;  ///< 1 or -1
  int exponent, mantissa;
  double value;
};

template <typename Function>
std::function<Values(const HalfInput&)> each_half(Function function) {
  return [function](const HalfInput& patterns) {
    Values values;
    for (const std::uint16_t bits : patterns) {
      values.push_back(function(Parts{.sign = (bits & 0x8000) != 0 ? -1.0 : 1.0,
                                      .exponent = (bits >> 10) & 31,
                                      .mantissa = bits & 1023,
                                      .value = oracle::value_of(oracle::binary16, bits)}));
    }
    return values;
  };
}

bool is_subnormal(const Parts& parts) {
  return parts.exponent == 0 && parts.mantissa != 0;
}

/// The same bits read as the upper half of an fp32.
Values as_bfloat16(const HalfInput& patterns) {
  Values values;
  for (const std::uint16_t bits : patterns) values.push_back(oracle::value_of(oracle::bfloat16, bits));
  return values;
}

std::vector<FunctionMistake<HalfInput, Values>> half_mistakes() {
  return {
      {"read_as_bfloat16",
       "the 16 bits read as bf16, the upper half of an fp32; fp16 has 5 bits of exponent and 10 of mantissa",
       as_bfloat16},
      {"exponent_bias_127",
       "the exponent kept as it was, as if its bias were fp32's 127; fp16's is 15, so 112 must be added",
       each_half([](const Parts& p) {
         return p.exponent == 0 || p.exponent == 31 ? p.value : std::ldexp(p.value, 15 - 127);
       })},
      {"bias_127_added",
       "127 added to the exponent; it has a bias of 15 already, so 112 must be added, the difference",
       each_half([](const Parts& p) {
         return p.exponent == 0 || p.exponent == 31 ? p.value : std::ldexp(p.value, 15);
       })},
      {"exponent_bias_16", "an exponent bias of 16; fp16's is 15: the exponent 15 stands for 2^0",
       each_half([](const Parts& p) { return p.exponent == 0 ? p.value : p.value / 2; })},
      {"subnormals_flushed",
       "numbers with the exponent 0 made 0; they are subnormal, mantissa · 2^-24 without a leading 1",
       each_half([](const Parts& p) { return p.exponent == 0 ? p.sign * 0.0 : p.value; })},
      {"subnormals_normal",
       "a leading 1 added to numbers with the exponent 0; they have none: mantissa · 2^-24",
       each_half([](const Parts& p) {
         return is_subnormal(p) ? p.sign * std::ldexp(1024 + p.mantissa, -25) : p.value;
       })},
      {"subnormals_half_as_large",
       "subnormal numbers scaled by 2^-15; the exponent 0 has the scale of exponent 1, 2^-14",
       each_half([](const Parts& p) { return is_subnormal(p) ? p.value / 2 : p.value; })},
      {"infinity_as_number",
       "the exponent 31 read as an exponent like others; it means infinity, or NaN where the mantissa is not "
       "0",
       each_half([](const Parts& p) {
         return p.exponent == 31 ? p.sign * std::ldexp(1024 + p.mantissa, 6) : p.value;
       })},
      {"nan_as_infinity", "NaN turned into infinity; where the exponent is 31 the mantissa tells them apart",
       each_half([](const Parts& p) {
         return p.exponent == 31 ? p.sign * std::numeric_limits<double>::infinity() : p.value;
       })},
      {"small_sign_dropped",
       "the sign lost where the exponent is 0; -0 and the negative subnormal numbers have one",
       each_half([](const Parts& p) { return p.exponent == 0 ? std::abs(p.value) : p.value; })},
      {"zero_sign_dropped", "0x8000 read as 0; it is -0, whose bit 31 is set",
       each_half([](const Parts& p) { return p.exponent == 0 && p.mantissa == 0 ? 0.0 : p.value; })},
      {"subnormal_sign_dropped", "the sign of subnormal numbers lost; those with bit 15 set are negative",
       each_half([](const Parts& p) { return is_subnormal(p) ? std::abs(p.value) : p.value; })},
      {"special_sign_dropped", "-infinity read as infinity; bit 15 is its sign too",
       each_half([](const Parts& p) { return p.exponent == 31 ? std::abs(p.value) : p.value; })},
      {"sign_dropped", "the sign lost; bit 15 is fp32's bit 31",
       each_half([](const Parts& p) { return std::abs(p.value); })},
  };
}

/// Patterns from `first` to `last`.
HalfInput patterns(int first, int last) {
  HalfInput all;
  for (int bits = first; bits <= last; ++bits) all.push_back(static_cast<std::uint16_t>(bits));
  return all;
}

/// The sign of a zero matters, that of a NaN does not.
bool same_values(const Values& found, const Values& expected) {
  if (found.size() != expected.size()) return false;
  for (std::size_t i = 0; i < found.size(); ++i) {
    if (std::isnan(found[i]) && std::isnan(expected[i])) continue;
    if (std::bit_cast<std::uint64_t>(found[i]) != std::bit_cast<std::uint64_t>(expected[i])) return false;
  }
  return true;
}

/// The numbers, or of many the first and what tells two long lists apart.
std::string show_values(const Values& values) {
  constexpr std::size_t shown = 4;
  if (values.size() <= shown) return show_numbers(values);
  double sum = 0;
  std::size_t nans = 0;
  for (const double value : values) {
    if (std::isfinite(value)) sum += value;
    if (std::isnan(value)) ++nans;
  }
  return fmt::format("{} and {} more (the finite ones add up to {:.6g}, {} are NaN)",
                     show_numbers({values.begin(), values.begin() + shown}), values.size() - shown, sum,
                     nans);
}

// fp32 to 16 bits.

oracle::SixteenBits format_of(SixteenBitRule rule) {
  return rule == SixteenBitRule::bfloat16 ? oracle::bfloat16 : oracle::binary16;
}

bool is_nan(SixteenBitRule rule, std::uint16_t bits) {
  return std::isnan(oracle::value_of(format_of(rule), bits));
}

RoundedNumbers right_rounding(const RoundingInput& input) {
  RoundedNumbers rounded{.rule = input.rule, .bits = {}};
  for (const float number : input.numbers) {
    rounded.bits.push_back(oracle::nearest(format_of(input.rule), double{number}));
  }
  return rounded;
}

/// A mistake in one of the two functions, on numbers that are not NaN; in both for no rule.
template <typename Function>
std::function<RoundedNumbers(const RoundingInput&)> wrong(std::optional<SixteenBitRule> rule,
                                                          Function function) {
  return [=](const RoundingInput& input) {
    RoundedNumbers rounded = right_rounding(input);
    if (rule && *rule != input.rule) return rounded;
    for (std::size_t i = 0; i < rounded.bits.size(); ++i) {
      rounded.bits[i] = function(input.rule, input.numbers[i], rounded.bits[i]);
    }
    return rounded;
  };
}

/// The pattern towards zero from `number`; for bf16 the upper half whatever it is, so that some NaNs become
/// infinite, for fp16 what is finite in it.
std::uint16_t cut_off(SixteenBitRule rule, float number, std::uint16_t right) {
  if (rule == SixteenBitRule::bfloat16) {
    return static_cast<std::uint16_t>(std::bit_cast<std::uint32_t>(number) >> 16);
  }
  const double rounded = oracle::value_of(format_of(rule), right);
  return std::isfinite(rounded) && std::abs(rounded) > std::abs(double{number})
             ? static_cast<std::uint16_t>(right - 1)
             : right;
}

/// The nearest, but of two as near the one away from zero.
std::uint16_t ties_away(SixteenBitRule rule, float number, std::uint16_t right) {
  const double down = std::abs(double{number} - oracle::value_of(format_of(rule), right));
  const auto next = static_cast<std::uint16_t>(right + 1);
  const double up = std::abs(oracle::value_of(format_of(rule), next) - double{number});
  return std::isfinite(number) && down == up ? next : right;
}

/// The plain addition on the bits, without a look at NaN: those with a mantissa of few bits become infinite.
std::uint16_t nan_rounded(SixteenBitRule rule, float number, std::uint16_t right) {
  if (!std::isnan(number)) return right;
  if (rule == SixteenBitRule::binary16) return static_cast<std::uint16_t>((right & 0x8000) | 0x7c00);
  const auto bits = std::bit_cast<std::uint32_t>(number);
  return static_cast<std::uint16_t>((bits + 0x7fff + ((bits >> 16) & 1)) >> 16);
}

/// Only the bits that are dropped are cut, so a NaN whose mantissa is in those is infinite.
std::uint16_t nan_cut(SixteenBitRule rule, float number, std::uint16_t right) {
  if (!std::isnan(number)) return right;
  const auto bits = std::bit_cast<std::uint32_t>(number);
  if (rule == SixteenBitRule::bfloat16) return static_cast<std::uint16_t>(bits >> 16);
  return static_cast<std::uint16_t>((right & 0x8000) | 0x7c00 | ((bits >> 13) & 0x03ff));
}

std::vector<FunctionMistake<RoundingInput, RoundedNumbers>> rounding_mistakes() {
  using enum SixteenBitRule;
  const std::string cut = "the low bits cut off, which rounds towards zero; round to the nearest";
  const std::string ties =
      "of two numbers as near, the larger taken; take the one whose last bit is 0, or sums drift upwards";
  const std::string nan =
      "a NaN rounded as if it were a number, which can turn it into infinity or worse; keep it a NaN by "
      "setting the mantissa's top bit";
  return {
      {"truncated", cut, wrong({}, cut_off)},
      {"bfloat16_truncated", "bf16: " + cut, wrong(bfloat16, cut_off)},
      {"half_truncated", "fp16: " + cut, wrong(binary16, cut_off)},
      {"ties_away", ties, wrong({}, ties_away)},
      {"bfloat16_ties_away", "bf16: " + ties, wrong(bfloat16, ties_away)},
      {"half_ties_away", "fp16: " + ties, wrong(binary16, ties_away)},
      {"bfloat16_nan_rounded", "bf16: " + nan, wrong(bfloat16, nan_rounded)},
      {"bfloat16_nan_cut", "bf16: only the upper half of a NaN kept, which may be infinity; " + nan,
       wrong(bfloat16, nan_cut)},
      {"half_nan_as_infinity", "fp16: " + nan, wrong(binary16, nan_rounded)},
      {"half_nan_cut", "fp16: only the upper mantissa bits of a NaN kept, which may all be 0; " + nan,
       wrong(binary16, nan_cut)},
      {"bfloat16_as_half",
       "bf16 made in fp16's layout; bf16 has fp32's 8 bits of exponent: it is the upper half, rounded",
       wrong(bfloat16, [](SixteenBitRule, float number,
                          std::uint16_t) { return oracle::nearest(oracle::binary16, double{number}); })},
      {"half_subnormals_flushed",
       "fp16: numbers below 2^-14 made 0; down to 2^-25 they are nearest to a subnormal, a multiple of 2^-24",
       wrong(binary16,
             [](SixteenBitRule, float number, std::uint16_t right) {
               return std::abs(number) < 0x1p-14F ? static_cast<std::uint16_t>(right & 0x8000) : right;
             })},
      {"half_subnormals_truncated",
       "fp16: numbers below 2^-14 cut to a multiple of 2^-24, which rounds towards zero; round to the "
       "nearest",
       wrong(binary16,
             [](SixteenBitRule rule, float number, std::uint16_t right) {
               return std::abs(number) < 0x1p-14F ? cut_off(rule, number, right) : right;
             })},
      {"half_zero_sign_dropped",
       "fp16: numbers that become 0 lose their sign; of a negative one 0x8000 is left, -0",
       wrong(binary16, [](SixteenBitRule, float,
                          std::uint16_t right) { return right == 0x8000 ? std::uint16_t{0} : right; })},
      {"half_subnormal_sign_dropped",
       "fp16: the sign lost of what is below 2^-14; bit 15 is the sign of -0 and of subnormal numbers too",
       wrong(binary16,
             [](SixteenBitRule, float number, std::uint16_t right) {
               return std::abs(number) < 0x1p-14F ? static_cast<std::uint16_t>(right & 0x7fff) : right;
             })},
      {"half_infinity_sign_dropped", "fp16: infinity made of large negative numbers; they become -infinity",
       wrong(binary16, [](SixteenBitRule, float,
                          std::uint16_t right) { return right == 0xfc00 ? std::uint16_t{0x7c00} : right; })},
      {"half_infinite_too_early",
       "fp16: all numbers beyond 65504 made infinite; those below 65520 are nearer to 65504",
       wrong(binary16,
             [](SixteenBitRule, float number, std::uint16_t right) {
               return std::abs(number) > 65504 ? static_cast<std::uint16_t>((right & 0x8000) | 0x7c00)
                                               : right;
             })},
      {"half_saturated", "fp16: numbers beyond 65504 made 65504; from 65520 on they round to infinity",
       wrong(binary16,
             [](SixteenBitRule, float number, std::uint16_t right) {
               return (right & 0x7fff) == 0x7c00 && !std::isnan(number)
                          ? static_cast<std::uint16_t>((right & 0x8000) | 0x7bff)
                          : right;
             })},
  };
}

/// Numbers of every size, with mantissas that have nothing in common with powers of two.
std::vector<float> many_numbers(double first, double factor, int count) {
  std::vector<float> numbers;
  double number = first;
  for (int i = 0; i < count; ++i, number *= factor) {
    numbers.push_back(static_cast<float>(i % 2 == 0 ? number : -number));
  }
  return numbers;
}

std::vector<FunctionCase<RoundingInput>> rounding_cases() {
  using enum SixteenBitRule;
  const float infinity = std::numeric_limits<float>::infinity();
  const std::vector<float> nans = {std::bit_cast<float>(0x7fc00000U), std::bit_cast<float>(0x7f800001U),
                                   std::bit_cast<float>(0xff800001U), std::bit_cast<float>(0x7fffffffU)};
  return {
      {"bf16-exact", "bf16 of 1, -2.5, 0, -0, which it holds", {bfloat16, {1, -2.5F, 0, -0.0F}}},
      {"bf16-nearest", "bf16 of 0.1, 1/3, -0.3, 100.7", {bfloat16, {0.1F, 1 / 3.0F, -0.3F, 100.7F}}},
      {"bf16-ties",
       "bf16 of 1 + 2^-8, 1 + 3 · 2^-8, and of just above the first",
       {bfloat16, {1 + 0x1p-8F, 1 + 0x3p-8F, 1 + 0x1p-8F + 0x1p-20F}}},
      {"bf16-carry",
       "bf16 of 1.999 and of fp32's largest number: rounding up runs into the exponent",
       {bfloat16, {1.999F, std::numeric_limits<float>::max()}}},
      {"bf16-small", "bf16 of 1e-30, 1e-38, 1e-40", {bfloat16, {1e-30F, 1e-38F, 1e-40F}}},
      {"bf16-infinity", "bf16 of both infinities", {bfloat16, {infinity, -infinity}}},
      {"bf16-nan", "bf16 of four NaNs, two of them with the lowest bit alone set", {bfloat16, nans}},
      {"bf16-many", "bf16 of 400 numbers from 1e-40 to 1e38", {bfloat16, many_numbers(1e-40, 1.5679, 400)}},
      {"fp16-exact",
       "fp16 of 1, -2.5, 0, -0, 65504, which it holds",
       {binary16, {1, -2.5F, 0, -0.0F, 65504}}},
      {"fp16-nearest", "fp16 of 0.1, 1/3, -0.3, 100.7", {binary16, {0.1F, 1 / 3.0F, -0.3F, 100.7F}}},
      {"fp16-ties",
       "fp16 of 1 + 2^-11, 1 + 3 · 2^-11, and of just above the first",
       {binary16, {1 + 0x1p-11F, 1 + 0x3p-11F, 1 + 0x1p-11F + 0x1p-20F}}},
      {"fp16-overflow",
       "fp16 of 65519, 65520, -70000, infinity",
       {binary16, {65519, 65520, -70000, infinity}}},
      {"fp16-subnormals",
       "fp16 of 1e-5, -6e-8, and of 2^-25 and 1.5 · 2^-25, halfway to its smallest number and above",
       {binary16, {1e-5F, -6e-8F, 0x1p-25F, 0x1.8p-25F}}},
      {"fp16-nan", "fp16 of four NaNs, two of them with the lowest bit alone set", {binary16, nans}},
      {"fp16-many", "fp16 of 400 numbers from 1e-9 to 1e5", {binary16, many_numbers(1e-9, 1.08405, 400)}},
  };
}

bool same_rounding(const RoundedNumbers& found, const RoundedNumbers& expected) {
  if (found.bits.size() != expected.bits.size()) return false;
  for (std::size_t i = 0; i < found.bits.size(); ++i) {
    const bool both_nan = is_nan(found.rule, found.bits[i]) && is_nan(expected.rule, expected.bits[i]);
    if (found.bits[i] != expected.bits[i] && !both_nan) return false;
  }
  return true;
}

std::string show_rounding(const RoundedNumbers& rounded) {
  constexpr std::size_t shown = 6;
  std::string text;
  unsigned sum = 0;
  for (std::size_t i = 0; i < rounded.bits.size(); ++i) {
    sum += rounded.bits[i];
    if (i >= shown) continue;
    text += fmt::format("{}{:#06x} ({:.6g})", i == 0 ? "" : ", ", rounded.bits[i],
                        oracle::value_of(format_of(rounded.rule), rounded.bits[i]));
  }
  if (rounded.bits.size() <= shown) return text;
  return fmt::format("{} and {} more (all patterns add up to {})", text, rounded.bits.size() - shown, sum);
}

}  // namespace

FunctionCheck<HalfInput, std::vector<double>> half_to_float_check() {
  FunctionCheck<HalfInput, Values> check;
  check.name = "half_to_float";
  check.chapter = 2;
  check.what = "the value of an fp16 pattern: 1 bit sign, 5 bits exponent, 10 bits mantissa";
  check.cases = {
      {"one", "0x3c00, the exponent 15 and a mantissa of 0", {0x3c00}},
      {"mantissa", "0x3e00, 0x3555 and 0x7bff, the largest", {0x3e00, 0x3555, 0x7bff}},
      {"sign", "0xbc00 and 0xc500", {0xbc00, 0xc500}},
      {"zero", "0x0000 and 0x8000", {0x0000, 0x8000}},
      {"subnormals", "0x0001, 0x03ff and 0x8200: the exponent is 0", {0x0001, 0x03ff, 0x8200}},
      {"smallest-normal", "0x0400, the exponent 1", {0x0400}},
      {"infinity", "0x7c00 and 0xfc00: the exponent is 31", {0x7c00, 0xfc00}},
      {"nan", "0x7c01, 0x7e00 and 0xffff: the exponent is 31", {0x7c01, 0x7e00, 0xffff}},
      {"all", "all 65,536 patterns", patterns(0, 0xffff)},
  };
  check.oracle = [](const HalfInput& input) {
    Values values;
    for (const std::uint16_t bits : input) values.push_back(oracle::value_of(oracle::binary16, bits));
    return values;
  };
  check.mistakes = half_mistakes();
  check.same = same_values;
  check.show = show_values;
  return check;
}

FunctionCheck<RoundingInput, RoundedNumbers> half_rounding_check() {
  FunctionCheck<RoundingInput, RoundedNumbers> check;
  check.name = "half_rounding";
  check.chapter = 2;
  check.what = "fp32 to the nearest bf16 or fp16, ties to the even pattern";
  check.cases = rounding_cases();
  check.oracle = right_rounding;
  check.mistakes = rounding_mistakes();
  check.same = same_rounding;
  check.show = show_rounding;
  return check;
}

}  // namespace rung::check

#include "core/check/functions/block_quantization.h"

#include <algorithm>
#include <cctype>
#include <cmath>
#include <cstddef>
#include <random>
#include <string>

#include <fmt/format.h>

#include "core/tensor/half.h"

namespace rung::check {
namespace {

using Input = BlockQuantizationInput;
using Blocks = std::vector<std::uint8_t>;

/// What may be done wrong; `none` is right.
enum class Slip {
  none,
  halves_swapped,
  neighbours_share,
  scale_and_minimum_swapped,
  toward_zero,
  half_step_forgotten,
  sign_of_largest_lost,
  sign_turned,
  range_of_seven,
  range_of_seven_signed,
  range_of_minus_seven,
  largest_without_magnitude,
  one_step_too_many,
  fp16_scale_divides,
  scale_of_block_before,
  ties_the_other_way,
  last_of_equals,
  range_to_zero,
  range_down_to_zero,
  range_up_to_zero,
  divided_by_scale,
  divided_unguarded,
  inverse_unguarded,
  inverse_of_range,
  minimum_after_product,
  single_scale_then_double,
  double_precision,
};

/// A block's scale and minimum, in fp32 as the formats' definition has it.
struct Fit {
  float scale = 0;
  float minimum = 0;
  float range = 0;             ///< what the scale is a share of
  double range_in_double = 0;  ///< the same without fp32's rounding
};

Fit fit(DType type, const float* x, Slip slip) {
  float least = x[0];
  float most = x[0];
  float largest = x[0];  // by magnitude
  for (int i = 1; i < 32; ++i) {
    least = std::min(least, x[i]);
    most = std::max(most, x[i]);
    const bool as_large = slip == Slip::last_of_equals && std::abs(x[i]) == std::abs(largest);
    if (std::abs(x[i]) > std::abs(largest) || as_large) largest = x[i];
  }
  if (slip == Slip::range_to_zero || slip == Slip::range_down_to_zero) least = std::min(least, 0.0F);
  if (slip == Slip::range_to_zero || slip == Slip::range_up_to_zero) most = std::max(most, 0.0F);
  const bool more = slip == Slip::one_step_too_many;
  if (type == DType::Q8_0) return {.scale = std::abs(largest) / (more ? 128.0F : 127.0F)};
  if (type == DType::Q4_1)
    return {.scale = (most - least) / (more ? 16.0F : 15.0F),
            .minimum = least,
            .range = most - least,
            .range_in_double = double{most} - double{least}};
  if (slip == Slip::sign_of_largest_lost) return {.scale = std::abs(largest) / 8};
  if (slip == Slip::sign_turned) return {.scale = largest / 8};
  if (slip == Slip::range_of_seven) return {.scale = std::abs(largest) / 7};
  if (slip == Slip::range_of_seven_signed) return {.scale = largest / 7};
  if (slip == Slip::range_of_minus_seven) return {.scale = largest / -7};
  if (slip == Slip::largest_without_magnitude) return {.scale = most / -8};
  return {.scale = largest / -8, .range = largest};
}

/// (x - minimum) / scale, as the slip computes it.
float steps_of(float x, Fit with, Slip slip) {
  const float range = x - with.minimum;
  const float inverse = with.scale == 0 ? 0 : 1 / with.scale;
  switch (slip) {
    case Slip::divided_by_scale:
      return with.scale == 0 ? 0 : range / with.scale;
    case Slip::divided_unguarded:
      return range / with.scale;
    case Slip::inverse_unguarded:
      return range * (1 / with.scale);
    case Slip::inverse_of_range:
      return range * (with.range == 0 ? 0 : 15 / with.range);
    case Slip::minimum_after_product:
      return x * inverse - with.minimum * inverse;
    default:
      return range * inverse;
  }
}

/// The level by numbers in double, of Q4_0 and Q4_1.
int level_in_double(DType type, float x, Fit with, Slip slip) {
  double scale = double{with.scale};
  if (slip == Slip::double_precision)
    scale = type == DType::Q4_0 ? double{with.range} / -8 : with.range_in_double / 15;
  const double inverse = scale == 0 ? 0 : 1 / scale;
  const double steps = (double{x} - double{with.minimum}) * inverse;
  return static_cast<int>(std::clamp(steps + (type == DType::Q4_0 ? 8.5 : 0.5), 0.0, 15.0));
}

int level(DType type, float x, Fit with, Slip slip) {
  if (slip == Slip::double_precision || slip == Slip::single_scale_then_double)
    return level_in_double(type, x, with, slip);
  const float steps = steps_of(x, with, slip);
  if (!std::isfinite(steps))
    return 0;  // 1 / scale is infinite: in fp16 that scale is 0, and the level means nothing
  const bool cut = slip == Slip::toward_zero;
  const bool other = slip == Slip::ties_the_other_way;
  if (type == DType::Q8_0) {
    const float whole = other ? std::floor(steps + 0.5F) : std::round(steps);
    return static_cast<int>(cut ? std::trunc(steps) : whole);
  }
  const float middle = type == DType::Q4_0 ? 8 : 0;
  float shifted = cut ? std::trunc(steps) + middle : steps + (middle + 0.5F);
  if (slip == Slip::half_step_forgotten) shifted -= 0.5F;
  if (other) shifted = std::round(steps) + middle;
  return static_cast<int>(std::clamp(shifted, 0.0F, 15.0F));
}

void put(Blocks& out, float value) {
  const std::uint16_t bits = float_to_half(value);
  out.push_back(static_cast<std::uint8_t>(bits & 255));
  out.push_back(static_cast<std::uint8_t>(bits >> 8));
}

/// The formats in which a mistake is made.
using Types = std::vector<DType>;

/// @param types  where the slip happens; everywhere else all is right
Blocks encode(const Input& input, Slip made, const Types& types = {}) {
  const Slip slip = std::ranges::find(types, input.type) == types.end() ? Slip::none : made;
  Blocks out;
  Fit before;
  for (std::size_t b = 0; b < input.numbers.size(); b += 32) {
    const float* x = input.numbers.data() + b;
    const Fit stored = fit(input.type, x, slip);
    Fit used = stored;
    if (slip == Slip::fp16_scale_divides) used.scale = half_to_float(float_to_half(stored.scale));
    if (slip == Slip::scale_of_block_before && b > 0) used.scale = before.scale;
    before = stored;
    const bool swapped = slip == Slip::scale_and_minimum_swapped && input.type == DType::Q4_1;
    put(out, swapped ? stored.minimum : stored.scale);
    if (input.type == DType::Q4_1) put(out, swapped ? stored.scale : stored.minimum);
    const auto q = [&](int i) { return level(input.type, x[i], used, slip); };
    for (int i = 0; i < (input.type == DType::Q8_0 ? 32 : 16); ++i) {
      if (input.type == DType::Q8_0) {
        out.push_back(static_cast<std::uint8_t>(q(i)));
      } else if (slip == Slip::neighbours_share) {
        out.push_back(static_cast<std::uint8_t>(q(2 * i) | (q(2 * i + 1) << 4)));
      } else if (slip == Slip::halves_swapped) {
        out.push_back(static_cast<std::uint8_t>(q(i + 16) | (q(i) << 4)));
      } else {
        out.push_back(static_cast<std::uint8_t>(q(i) | (q(i + 16) << 4)));
      }
    }
  }
  return out;
}

std::vector<float> drawn(std::size_t blocks, unsigned seed) {
  std::mt19937 bits(seed);
  std::vector<float> numbers;
  numbers.reserve(32 * blocks);
  for (std::size_t i = 0; i < 32 * blocks; ++i) {
    const std::size_t block = i / 32;
    const float size = 1.0F / static_cast<float>(1 + block);  // every block another one
    numbers.push_back(size * (static_cast<float>(bits() >> 8) * 0x1p-23F - 1));
  }
  return numbers;
}

/// Blocks whose numbers lie next to the middle between two levels, some units of the last place off: whoever computes in
/// another order or precision finds other levels.
std::vector<float> near_ties(DType type, std::size_t blocks, unsigned seed) {
  std::mt19937 bits(seed);
  const auto below = [&bits](std::uint32_t n) { return static_cast<int>(bits() % n); };
  const int last = type == DType::Q8_0 ? 127 : 15;
  const int middle = type == DType::Q4_0 ? 8 : 0;
  std::vector<float> numbers;
  numbers.reserve(32 * blocks);
  for (std::size_t b = 0; b < blocks; ++b) {
    const double scale = (1 + below(1U << 23U) * 0x1p-23) * 0x1p-4;
    const double minimum = type == DType::Q4_1 ? -scale * below(15) - below(1U << 20U) * 0x1p-24 : 0;
    for (int i = 0; i < 32; ++i) {
      const double units = (below(9) - 4) * 0x1p-25;
      double steps = (below(static_cast<std::uint32_t>(last - 1)) + 0.5 - middle) * (1 + units);
      if (i == 3) steps = type == DType::Q8_0 ? -127 : -middle;
      if (i == 7 && type == DType::Q4_1) steps = 15;
      numbers.push_back(static_cast<float>(minimum + scale * steps));
    }
  }
  return numbers;
}

constexpr std::size_t most_bytes = 20;

std::string show(const Blocks& bytes) {
  std::string text = fmt::format("{} bytes:", bytes.size());
  for (std::size_t i = 0; i < std::min(bytes.size(), most_bytes); ++i)
    text += fmt::format(" {:02x}", bytes[i]);
  return text + (bytes.size() > most_bytes ? " …" : "");
}

/// The first byte that is wrong, of more than are shown.
std::string difference(const Blocks& found, const Blocks& expected) {
  if (found.size() != expected.size() || found.size() <= most_bytes) return {};
  std::size_t count = 0, first = 0;
  for (std::size_t i = 0; i < found.size(); ++i) {
    if (found[i] != expected[i] && count++ == 0) first = i;
  }
  return fmt::format("{} of {} bytes are wrong; first byte {}, counted from 0: expected {:02x}, found {:02x}",
                     count, found.size(), first, expected[first], found[first]);
}

}  // namespace

FunctionCheck<Input, Blocks> block_quantization_check() {
  FunctionCheck<Input, Blocks> check;
  check.name = "block_quantization";
  check.chapter = 8;
  check.what = "numbers to blocks of Q8_0, Q4_0 and Q4_1";
  for (const DType type : {DType::Q8_0, DType::Q4_0, DType::Q4_1}) {
    const std::string t(name(type));
    std::vector<float> ramp;
    ramp.reserve(32);
    for (int i = 0; i < 32; ++i) ramp.push_back(static_cast<float>(i - 11));
    check.cases.push_back({t + " ramp", t + ", -11, -10 … 20", {type, ramp}});
    check.cases.push_back(
        {t + " drawn", t + ", 16 blocks of random numbers, each block smaller", {type, drawn(16, 8)}});
    check.cases.push_back({t + " equal", t + ", 32 times 3.7", {type, std::vector<float>(32, 3.7F)}});
    // The largest magnitude twice: the first one decides about the scale's sign.
    std::vector<float> twice = ramp;
    twice[5] = -20;
    check.cases.push_back({t + " largest-twice", t + ", -11, -10 … 20, but the sixth is -20", {type, twice}});
    // With a scale of 1 (Q4_0: -1), half of the numbers lie in the middle between two levels.
    std::vector<float> ties;
    const float end = type == DType::Q8_0 ? 127 : 8;
    ties.reserve(32);
    for (int i = 0; i < 32; ++i) ties.push_back(std::clamp(static_cast<float>(i - 15) / 2, -end, end));
    if (type == DType::Q4_1) ties[0] = -7;  // 15 steps to the 8
    ties.back() = end;
    check.cases.push_back({t + " ties", t + ", multiples of 1/2 with a step of 1", {type, ties}});
    std::vector<float> above;
    above.reserve(32);
    for (int i = 0; i < 32; ++i) above.push_back(1 + static_cast<float>((7 * i) % 32) / 64);
    check.cases.push_back({t + " far-from-0", t + ", numbers from 1 to 1.5", {type, above}});
    for (float& x : above) x = -x;
    check.cases.push_back({t + " all-below-0", t + ", numbers from -1 to -1.5", {type, above}});
    check.cases.push_back(
        {t + " near-ties",
         t + ", 16 blocks of numbers next to the middle between two levels, which rounding in fp32 decides",
         {type, near_ties(type, 16, 9)}});
    check.cases.push_back({t + " zeros", t + ", a block of zeros", {type, std::vector<float>(32, 0.0F)}});
    std::vector<float> small = ramp;
    for (float& x : small) x *= 0x1p-133F;
    check.cases.push_back({t + " subnormal", t + ", -11, -10 … 20 times 2^-133", {type, small}});
  }
  check.oracle = [](const Input& input) { return encode(input, Slip::none); };
  const Types q8_0 = {DType::Q8_0};
  const Types q4_0 = {DType::Q4_0};
  const Types q4_1 = {DType::Q4_1};
  const Types both = {DType::Q4_0, DType::Q4_1};
  // Whoever makes a mistake may make it in one format or in both of 4 bits: `name`, `name_in_q4_0`, `name_in_q4_1`.
  // `also`: other ways to make it.
  const auto add = [&check](const char* name, const char* sentence, Slip slip,
                            const std::vector<Types>& where, const std::vector<Slip>& also = {}) {
    for (const Types& types : where) {
      std::string full(name);
      std::string where_in;
      if (where.size() > 1 && types.size() == 1) {
        where_in = std::string(rung::name(types.front()));
        full += "_in_" + where_in;
        for (char& c : full) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
        where_in += ": ";
      }
      const auto run = [types](Slip made) {
        return [made, types](const Input& input) { return encode(input, made, types); };
      };
      check.mistakes.push_back({full, where_in + sentence, run(slip)});
      for (const Slip another : also) check.mistakes.back().also.emplace_back(run(another));
    }
  };
  add("halves_swapped",
      "the halves of the bytes swapped; number i is in the low half of byte i, number i + 16 in its high "
      "half",
      Slip::halves_swapped, {both, q4_0, q4_1});
  add("neighbours_share", "neighbouring numbers in one byte; byte i holds numbers i and i + 16",
      Slip::neighbours_share, {both, q4_0, q4_1});
  add("scale_and_minimum_swapped", "Q4_1's minimum written before its scale; the scale comes first",
      Slip::scale_and_minimum_swapped, {q4_1});
  add("toward_zero",
      "levels cut off toward zero, so that all become smaller; round to the nearest, or errors are twice as "
      "large",
      Slip::toward_zero, {q4_0, q8_0});
  add("half_step_forgotten",
      "levels cut off without half a step added first, which rounds down; errors are twice as large and all "
      "to one "
      "side",
      Slip::half_step_forgotten, {both, q4_0, q4_1});
  add("sign_of_largest_lost",
      "Q4_0's scale taken from the largest magnitude without its sign; levels reach to -8 but only to 7, so "
      "the scale has the sign that makes the largest number -8",
      Slip::sign_of_largest_lost, {q4_0});
  add("sign_turned",
      "Q4_0's scale with the other sign, so that the largest number is 8 and cut off to 7; it becomes -8",
      Slip::sign_turned, {q4_0});
  add("range_of_seven", "Q4_0's largest number made 7 or -7 instead of -8; one of 16 levels is never used",
      Slip::range_of_seven, {q4_0}, {Slip::range_of_seven_signed, Slip::range_of_minus_seven});
  add("largest_without_magnitude",
      "Q4_0's greatest number taken for the one of the largest magnitude, which may be negative",
      Slip::largest_without_magnitude, {q4_0});
  add("one_step_too_many",
      "the range divided by one step too many; 127 steps in Q8_0, and 15 between 16 levels in Q4_1",
      Slip::one_step_too_many, {q4_1, q8_0});
  add("fp16_scale_divides",
      "numbers divided by the scale as fp16 has it; the format's reference divides by the fp32 scale and "
      "rounds only what is stored",
      Slip::fp16_scale_divides, {both, q4_0, q4_1, q8_0});
  add("scale_of_block_before",
      "levels made with the scale of the block before; every block of 32 has its own",
      Slip::scale_of_block_before, {both, q4_0, q4_1, q8_0});
  add("ties_the_other_way",
      "numbers in the middle between two levels: Q8_0 rounds them away from 0 (std::round), Q4_0 up (a half "
      "added, "
      "then cut off)",
      Slip::ties_the_other_way, {q4_0, q8_0});
  add("last_of_equals",
      "of two numbers of the largest magnitude the last one decides about the sign of Q4_0's scale; the "
      "first one "
      "does",
      Slip::last_of_equals, {q4_0});
  add("range_to_zero",
      "Q4_1's range made to reach to 0, such as by a search that starts at 0; it has a minimum in place of a "
      "zero "
      "point, so it need not",
      Slip::range_to_zero, {q4_1}, {Slip::range_down_to_zero, Slip::range_up_to_zero});
  add("inverse_of_zero",
      "1 / 0 or 0 / 0 for a block of zeros, whose level in Q4_0 is 8, as of any 0; inverse_scale makes 0 of "
      "it",
      Slip::inverse_unguarded, {q4_0});
  add("divided_by_scale",
      "numbers divided by the scale; the format's reference multiplies by 1 / scale, which rounds otherwise, "
      "and by 0 "
      "where the scale is 0",
      Slip::divided_by_scale, {both, q4_0, q4_1}, {Slip::divided_unguarded});
  add("inverse_of_range",
      "the inverse made as 15 / range; the format's reference takes the scale in fp32, and 1 over that",
      Slip::inverse_of_range, {q4_1});
  add("minimum_after_product",
      "x · inverse - minimum · inverse, which rounds twice; take the minimum off first, as the reference "
      "does",
      Slip::minimum_after_product, {q4_1});
  add("double_precision",
      "computed in double; the format's reference computes in fp32, and rounds other numbers up",
      Slip::double_precision, {both, q4_0, q4_1}, {Slip::single_scale_then_double});
  check.show = show;
  check.difference = difference;
  return check;
}

}  // namespace rung::check

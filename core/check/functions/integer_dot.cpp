#include "core/check/functions/integer_dot.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <optional>
#include <random>
#include <string>

#include <fmt/format.h>

#include "core/check/functions/show.h"
#include "core/tensor/half.h"

namespace rung::check {
namespace {

using Input = IntegerDotInput;
using Output = IntegerDotOutput;
using Asked = Input::Rule;

/// What may be done wrong; `none` is right.
enum class Slip {
  none,
  toward_zero,
  range_of_128,
  range_of_7,
  sign_ignored,
  sign_ignored_and_wrapped,
  sum_never_set,
  sum_of_numbers,
  sum_of_numbers_cut_off,
  halves_swapped,
  neighbours_share,
  signed_byte,
  eight_forgotten,
  eight_forgotten_low,
  eight_forgotten_high,
  sum_forgotten,
  minimum_added_once,
  minimum_without_scale,
  sum_of_weights,
  scale_and_minimum_swapped,
  sixteen_bit_sum,
  scale_of_first_block,
  minimum_of_first_block,
  first_activation_scale,
};

Output quantised_activations(const Input& input, Slip slip) {
  Output output;
  for (std::size_t b = 0; b < input.x.size(); b += 32) {
    float largest = 0;
    const bool sign_ignored = slip == Slip::sign_ignored || slip == Slip::sign_ignored_and_wrapped;
    for (std::size_t i = b; i < b + 32; ++i)
      largest = std::max(largest, sign_ignored ? input.x[i] : std::abs(input.x[i]));
    float steps = 127;
    if (slip == Slip::range_of_128) steps = 128;
    if (slip == Slip::range_of_7) steps = 7;
    const float scale = largest / steps;
    double sum = 0;
    double sum_of_numbers = 0;
    std::vector<double> levels;
    levels.reserve(32);
    for (std::size_t i = b; i < b + 32; ++i) {
      const double steps_here = scale == 0 ? 0 : double{input.x[i]} / double{scale};
      double level = slip == Slip::toward_zero ? std::trunc(steps_here) : std::round(steps_here);
      if (slip == Slip::sign_ignored_and_wrapped) {
        level = static_cast<std::int8_t>(static_cast<int>(level));
      } else {
        level = std::clamp(level, -127.0, 127.0);
      }
      levels.push_back(level + 0.0);
      sum += levels.back();
      sum_of_numbers += steps_here;
    }
    if (slip == Slip::sum_never_set) sum = 0;
    if (slip == Slip::sum_of_numbers) sum = std::round(sum_of_numbers) + 0.0;
    if (slip == Slip::sum_of_numbers_cut_off) sum = std::trunc(sum_of_numbers) + 0.0;
    output.numbers.push_back(double{scale});
    output.numbers.push_back(sum);
    output.numbers.insert(output.numbers.end(), levels.begin(), levels.end());
  }
  return output;
}

double half_in(const std::uint8_t* bytes) {
  return double{half_to_float(static_cast<std::uint16_t>(bytes[0] | (bytes[1] << 8)))};
}

/// Level i of a block.
int weight_level(const std::uint8_t* halves, int i, Slip slip) {
  if (slip == Slip::neighbours_share) return i % 2 == 0 ? halves[i / 2] & 15 : halves[i / 2] >> 4;
  const bool high = (i >= 16) != (slip == Slip::halves_swapped);
  if (high && slip == Slip::signed_byte) return static_cast<std::int8_t>(halves[i % 16]) >> 4;
  return high ? halves[i % 16] >> 4 : halves[i % 16] & 15;
}

Output product(const Input& input, Slip slip) {
  const bool has_minimum = input.rule == Asked::q4_1;
  const std::size_t bytes = has_minimum ? 20 : 18;
  double sum = 0;
  double size = 0;
  for (std::size_t b = 0; b < input.scales.size(); ++b) {
    const std::uint8_t* block = input.row.data() + b * bytes;
    const std::uint8_t* halves = block + bytes - 16;
    double scale = half_in(slip == Slip::scale_of_first_block ? input.row.data() : block);
    double minimum = has_minimum ? half_in(block + 2) : 0;
    if (slip == Slip::minimum_of_first_block && has_minimum) minimum = half_in(input.row.data() + 2);
    if (slip == Slip::scale_and_minimum_swapped && has_minimum) std::swap(scale, minimum);
    const auto t = double{input.scales[slip == Slip::first_activation_scale ? 0 : b]};
    int whole = 0;
    int levels = 0;
    int weights = 0;
    for (int i = 0; i < 32; ++i) {
      const Slip half = i < 16 ? Slip::eight_forgotten_low : Slip::eight_forgotten_high;
      const int middle = has_minimum || slip == Slip::eight_forgotten || slip == half ? 0 : 8;
      const int q = weight_level(halves, i, slip) - middle;
      const int p = input.levels[32 * b + static_cast<std::size_t>(i)];
      whole += q * p;
      levels += p;
      weights += q;
      size += std::abs(scale * t * q * p) + std::abs(minimum * t * p);
    }
    if (slip == Slip::sixteen_bit_sum) whole = static_cast<std::int16_t>(whole);
    sum += scale * t * whole;
    if (slip == Slip::minimum_added_once) {
      sum += minimum * t;
    } else if (slip == Slip::minimum_without_scale) {
      sum += minimum * levels;
    } else if (slip == Slip::sum_of_weights) {
      sum += minimum * t * weights;
    } else if (slip != Slip::sum_forgotten) {
      sum += minimum * t * levels;
    }
  }
  // fp32 sums of a few products each.
  return {.numbers = {sum}, .allowed = 1e-5 * size};
}

Output run(const Input& input, Slip slip) {
  return input.rule == Asked::activations ? quantised_activations(input, slip) : product(input, slip);
}

struct Dice {
  std::mt19937 bits;
  int below(int n) { return static_cast<int>(bits() % static_cast<unsigned>(n)); }
};

void put_half(std::vector<std::uint8_t>& bytes, float value) {
  const std::uint16_t bits = float_to_half(value);
  bytes.push_back(static_cast<std::uint8_t>(bits & 255));
  bytes.push_back(static_cast<std::uint8_t>(bits >> 8));
}

/// Blocks of one kind each: what scale, minimum, byte of two levels, activation scale and level they have.
struct Plain {
  float scale, minimum;
  int byte;
  float t;
  int level;
};
Input plain(Asked rule, const std::vector<Plain>& blocks) {
  Input input{.rule = rule};
  for (const Plain& block : blocks) {
    put_half(input.row, block.scale);
    if (rule == Asked::q4_1) put_half(input.row, block.minimum);
    input.row.insert(input.row.end(), 16, static_cast<std::uint8_t>(block.byte));
    input.scales.push_back(block.t);
    input.levels.insert(input.levels.end(), 32, static_cast<std::int8_t>(block.level));
  }
  return input;
}

Input drawn(Asked rule, int blocks, unsigned seed) {
  Dice dice{std::mt19937(seed)};
  Input input{.rule = rule};
  for (int b = 0; b < blocks; ++b) {
    put_half(input.row, static_cast<float>(dice.below(2000) - 700) / 4096.0F);
    if (rule == Asked::q4_1) put_half(input.row, static_cast<float>(dice.below(2000) - 1400) / 512.0F);
    for (int i = 0; i < 16; ++i) input.row.push_back(static_cast<std::uint8_t>(dice.below(256)));
    input.scales.push_back(static_cast<float>(1 + dice.below(1000)) / 8192.0F);
    for (int i = 0; i < 32; ++i) input.levels.push_back(static_cast<std::int8_t>(dice.below(255) - 127));
  }
  return input;
}

/// Activations near no middle between two levels.
std::vector<float> drawn_activations(int blocks, unsigned seed) {
  Dice dice{std::mt19937(seed)};
  std::vector<float> x;
  for (int b = 0; b < blocks; ++b) {
    const double scale = std::ldexp(1.0 + dice.below(1000) / 1024.0, 3 * b - 10);
    for (int i = 0; i < 32; ++i) {
      const double level = i == 7 * b % 32 ? (b % 2 == 0 ? 127 : -127)
                                           : dice.below(253) - 126 + (dice.below(801) - 400) / 1000.0;
      x.push_back(static_cast<float>(scale * level));
    }
  }
  return x;
}

// Of a block of activations: its scale, its sum and its levels.
constexpr std::size_t block_numbers = 34;

/// The index of the first number that is off by more than it may be; found has as many as expected.
std::optional<std::size_t> first_wrong(const Output& found, const Output& expected) {
  for (std::size_t i = 0; i < found.numbers.size(); ++i) {
    const double off = std::abs(found.numbers[i] - expected.numbers[i]);
    if (!(off <= expected.allowed + 1e-6 * std::abs(expected.numbers[i]))) return i;
  }
  return std::nullopt;
}

/// Of several blocks of activations, or of numbers that look alike: the first one that is wrong.
std::string difference(const Output& found, const Output& expected) {
  if (found.numbers.size() != expected.numbers.size()) return {};
  const std::size_t i = first_wrong(found, expected).value_or(0);
  if (found.numbers.size() == 1) {
    return fmt::format("expected {:.9g}, found {:.9g}, which may be off by {:.2g}", expected.numbers[i],
                       found.numbers[i], expected.allowed);
  }
  if (found.numbers.size() <= block_numbers) return {};
  std::string what = fmt::format("level {}", i % block_numbers - 2);
  if (i % block_numbers < 2) what = i % block_numbers == 0 ? "the scale" : "the sum";
  return fmt::format("{} of block {} (blocks and levels are counted from 0): expected {:.9g}, found {:.9g}",
                     what, i / block_numbers, expected.numbers[i], found.numbers[i]);
}

}  // namespace

FunctionCheck<Input, Output> integer_dot_check() {
  FunctionCheck<Input, Output> check;
  check.name = "integer_dot";
  check.chapter = 8;
  check.what = "activations as int8, and their products with rows of Q4_0 and Q4_1";
  std::vector<float> ramp;
  ramp.reserve(32);
  for (int i = 0; i < 32; ++i) ramp.push_back(static_cast<float>(4 * i + 3));
  std::vector<float> small(32, 0);
  small[3] = 0x1p-149F;
  check.cases = {
      {"ramp", "activations 3, 7, 11 … 127: scale, sum, levels", {.x = ramp}},
      {"zeros", "32 activations of 0", {.x = std::vector<float>(32, 0)}},
      {"smallest", "an activation of 2^-149 among zeros, whose scale is 0 in fp32", {.x = small}},
      {"activations", "6 blocks of activations, each of another size", {.x = drawn_activations(6, 5)}},
      {"one-block-q4_0", "Q4_0: scale 1/2, all levels 3 and 12; activations: scale 2, all 5",
       plain(Asked::q4_0, {{0.5F, 0, 0xC3, 2, 5}})},
      {"one-block-q4_1", "Q4_1: scale 1/2, minimum -3, all levels 3 and 12; activations: scale 2, all 5",
       plain(Asked::q4_1, {{0.5F, -3, 0xC3, 2, 5}})},
      {"two-blocks-q4_0", "Q4_0: scales 1 and -4; activations: scales 1/4 and 8",
       plain(Asked::q4_0, {{1, 0, 0x1F, 0.25F, 7}, {-4, 0, 0xA2, 8, -3}})},
      {"two-blocks-q4_1", "Q4_1: scales 1 and 4, minima 2 and -6; activations: scales 1/4 and 8",
       plain(Asked::q4_1, {{1, 2, 0x1F, 0.25F, 7}, {4, -6, 0xA2, 8, -3}})},
      {"largest-q4_0", "Q4_0: all levels 0, which are -8; all activations -127",
       plain(Asked::q4_0, {{1, 0, 0x00, 1, -127}})},
      {"largest-q4_1", "Q4_1: all levels 15; all activations 127",
       plain(Asked::q4_1, {{1, 0, 0xFF, 1, 127}})},
      {"zero-scale", "Q4_1: scale 0, minimum 1/8; activations: all 100",
       plain(Asked::q4_1, {{0, 0.125F, 0x77, 1, 100}})},
      {"row-q4_0", "Q4_0: 18 random blocks", drawn(Asked::q4_0, 18, 21)},
      {"row-q4_1", "Q4_1: 18 random blocks", drawn(Asked::q4_1, 18, 22)},
      {"nothing", "Q4_1: no blocks, whose product is 0", {.rule = Asked::q4_1}},
  };
  check.oracle = [](const Input& input) { return run(input, Slip::none); };
  const auto wrong = [](Slip slip) { return [slip](const Input& input) { return run(input, slip); }; };
  // `also`: other ways to make it.
  const auto add = [&](const char* name, const char* sentence, Slip slip,
                       const std::vector<Slip>& also = {}) {
    check.mistakes.push_back({name, sentence, wrong(slip)});
    for (const Slip another : also) check.mistakes.back().also.emplace_back(wrong(another));
  };
  add("toward_zero", "activations cut off toward zero; round to the nearest", Slip::toward_zero);
  add("range_of_128", "the activations' largest magnitude over 128; it is to become 127", Slip::range_of_128);
  add("range_of_7", "the activations in 4 bits, as the weights are; they have 8", Slip::range_of_7);
  add("sign_ignored",
      "the greatest activation taken for the one of the largest magnitude, which may be negative; take "
      "std::abs",
      Slip::sign_ignored, {Slip::sign_ignored_and_wrapped});
  add("sum_never_set", "a block's sum left 0; it is the sum of the block's levels", Slip::sum_never_set);
  add("sum_of_numbers",
      "a block's sum made from the numbers and rounded once; it is the sum of the levels, with which the "
      "products are "
      "made",
      Slip::sum_of_numbers, {Slip::sum_of_numbers_cut_off});
  add("halves_swapped",
      "the halves of the bytes swapped; number i is in the low half of byte i, number i + 16 in its high "
      "half",
      Slip::halves_swapped);
  add("neighbours_share", "neighbouring numbers read from one byte; byte i holds numbers i and i + 16",
      Slip::neighbours_share);
  add("eight_forgotten", "Q4_0's levels taken as 0 to 15; 8 has to be taken off", Slip::eight_forgotten);
  add("eight_taken_off_one_half",
      "8 taken off the levels of one half of the bytes only; all of Q4_0's levels are 0 to 15 in the file",
      Slip::eight_forgotten_low, {Slip::eight_forgotten_high});
  add("signed_byte",
      "a byte read as a signed number, so that its high half is -8 to 7; std::to_integer<int> of a std::byte "
      "is 0 to 255",
      Slip::signed_byte);
  add("sum_forgotten",
      "the minimum of Q4_1 left out; every activation of the block is multiplied by it, so it counts m · t · "
      "Σ p",
      Slip::sum_forgotten);
  add("minimum_added_once", "the minimum of Q4_1 added once for a block; it counts m · t · Σ p",
      Slip::minimum_added_once);
  add("minimum_without_scale",
      "the sum of the activations' levels without their scale; it counts m · t · Σ p",
      Slip::minimum_without_scale);
  add("sum_of_weights", "the minimum times the sum of the weights' levels; it is the activations' sum",
      Slip::sum_of_weights);
  add("scale_and_minimum_swapped", "Q4_1's minimum read before its scale; the scale comes first",
      Slip::scale_and_minimum_swapped);
  add("sixteen_bit_sum", "a block's sum in 16 bits, which end at 32767; 32 · 15 · 127 is 60960",
      Slip::sixteen_bit_sum);
  add("scale_of_first_block", "all blocks of the row with the scale of the first; each has its own",
      Slip::scale_of_first_block);
  add("minimum_of_first_block", "all blocks of the row with the minimum of the first; each has its own",
      Slip::minimum_of_first_block);
  add("first_activation_scale", "all blocks of activations with the scale of the first; each has its own",
      Slip::first_activation_scale);
  check.same = [](const Output& found, const Output& expected) {
    return found.numbers.size() == expected.numbers.size() && !first_wrong(found, expected);
  };
  check.difference = difference;
  check.show = [](const Output& output) {
    std::vector<double> some = output.numbers;
    if (some.size() > block_numbers) some.resize(block_numbers);
    return show_numbers(some) + (output.numbers.size() > block_numbers ? " …" : "");
  };
  return check;
}

}  // namespace rung::check

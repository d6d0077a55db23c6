#include "core/check/functions/block_quantization.h"

#include <algorithm>
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
  sign_of_largest_lost,
  range_of_seven,
  one_step_too_many,
  fp16_scale_divides,
  scale_of_block_before,
};

/// A block's scale and minimum, in fp32 as the formats' definition has it.
struct Fit {
  float scale = 0;
  float minimum = 0;
};

Fit fit(DType type, const float* x, Slip slip) {
  float least = x[0];
  float most = x[0];
  float largest = x[0];  // by magnitude
  for (int i = 1; i < 32; ++i) {
    least = std::min(least, x[i]);
    most = std::max(most, x[i]);
    if (std::abs(x[i]) > std::abs(largest)) largest = x[i];
  }
  const bool more = slip == Slip::one_step_too_many;
  if (type == DType::Q8_0) return {.scale = std::abs(largest) / (more ? 128.0F : 127.0F)};
  if (type == DType::Q4_1) return {.scale = (most - least) / (more ? 16.0F : 15.0F), .minimum = least};
  if (slip == Slip::sign_of_largest_lost) return {.scale = std::abs(largest) / 8};
  if (slip == Slip::range_of_seven) return {.scale = std::abs(largest) / 7};
  return {.scale = largest / -8};
}

int level(DType type, float x, Fit with, Slip slip) {
  const float inverse = with.scale == 0 ? 0 : 1 / with.scale;
  const float steps = (x - with.minimum) * inverse;
  const bool cut = slip == Slip::toward_zero;
  if (type == DType::Q8_0) return static_cast<int>(cut ? std::trunc(steps) : std::round(steps));
  const float middle = type == DType::Q4_0 ? 8 : 0;
  const float shifted = cut ? std::trunc(steps) + middle : steps + (middle + 0.5F);
  return std::clamp(static_cast<int>(shifted), 0, 15);
}

void put(Blocks& out, float value) {
  const std::uint16_t bits = float_to_half(value);
  out.push_back(static_cast<std::uint8_t>(bits & 255));
  out.push_back(static_cast<std::uint8_t>(bits >> 8));
}

Blocks encode(const Input& input, Slip slip) {
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

std::string show(const Blocks& bytes) {
  std::string text = fmt::format("{} bytes:", bytes.size());
  for (std::size_t i = 0; i < std::min<std::size_t>(bytes.size(), 20); ++i)
    text += fmt::format(" {:02x}", bytes[i]);
  return text + (bytes.size() > 20 ? " …" : "");
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
    check.cases.push_back({t + " zeros", t + ", a block of zeros", {type, std::vector<float>(32, 0.0F)}});
    check.cases.push_back({t + " ramp", t + ", -11, -10 … 20", {type, ramp}});
    check.cases.push_back(
        {t + " drawn", t + ", 16 blocks of random numbers, each block smaller", {type, drawn(16, 8)}});
  }
  check.oracle = [](const Input& input) { return encode(input, Slip::none); };
  const auto add = [&check](const char* name, const char* sentence, Slip slip) {
    check.mistakes.push_back({name, sentence, [slip](const Input& input) { return encode(input, slip); }});
  };
  add("halves_swapped",
      "the halves of the bytes swapped; number i is in the low half of byte i, number i + 16 in its high "
      "half",
      Slip::halves_swapped);
  add("neighbours_share", "neighbouring numbers in one byte; byte i holds numbers i and i + 16",
      Slip::neighbours_share);
  add("scale_and_minimum_swapped", "Q4_1's minimum written before its scale; the scale comes first",
      Slip::scale_and_minimum_swapped);
  add("toward_zero",
      "levels cut off toward zero; round to the nearest, or errors are twice as large and all to one side",
      Slip::toward_zero);
  add("sign_of_largest_lost",
      "Q4_0's scale taken from the largest magnitude without its sign; levels reach to -8 but only to 7, so "
      "the scale has "
      "the sign that makes the largest number -8",
      Slip::sign_of_largest_lost);
  add("range_of_seven", "Q4_0's largest number made 7 instead of -8; one of 16 levels is never used",
      Slip::range_of_seven);
  add("one_step_too_many",
      "the range divided by one step too many; 127 steps in Q8_0, and 15 between 16 levels in Q4_1",
      Slip::one_step_too_many);
  add("fp16_scale_divides",
      "numbers divided by the scale as fp16 has it; the format's reference divides by the fp32 scale and "
      "rounds only what "
      "is stored",
      Slip::fp16_scale_divides);
  add("scale_of_block_before",
      "levels made with the scale of the block before; every block of 32 has its own",
      Slip::scale_of_block_before);
  check.show = show;
  return check;
}

}  // namespace rung::check

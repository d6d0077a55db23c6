#include <algorithm>
#include <cmath>
#include <limits>
#include <random>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "core/check/functions/block_dot.h"

namespace rung::check {
namespace {

using Input = std::array<float, 32>;
using Output = std::vector<float>;

/// What may be done wrong; `none` is right.
enum class Slip { none, cut, half_up, divided_by_128, sign_lost, last_left_out, zero_divides };

Output quantized(const Input& x, Slip slip) {
  float largest = 0;
  bool finite = true;
  const std::size_t looked_at = slip == Slip::last_left_out ? 31 : 32;
  for (std::size_t i = 0; i < looked_at; ++i) {
    const float number = slip == Slip::sign_lost ? x[i] : std::abs(x[i]);
    largest = std::max(largest, number);
  }
  for (const float number : x) finite = finite && std::isfinite(number);
  Output out(33, 0.0F);
  if (!finite) {
    out[0] = std::numeric_limits<float>::quiet_NaN();
    return out;
  }
  if (largest < 0x1p-120F) {
    if (slip == Slip::zero_divides) std::ranges::fill(out, std::numeric_limits<float>::quiet_NaN());
    return out;
  }
  const float steps = slip == Slip::divided_by_128 ? 128.0F : 127.0F;
  out[0] = largest / steps;
  const float inverse = steps / largest;
  for (std::size_t i = 0; i < 32; ++i) {
    const float scaled = x[i] * inverse;
    out[i + 1] = slip == Slip::cut       ? std::trunc(scaled)
                 : slip == Slip::half_up ? std::floor(scaled + 0.5F)
                                         : std::nearbyint(scaled);
    // What a byte cannot hold runs over.
    out[i + 1] =
        static_cast<float>(static_cast<std::int8_t>(static_cast<int>(std::clamp(out[i + 1], -1e6F, 1e6F))));
  }
  return out;
}

bool same(const Output& found, const Output& expected) {
  return std::ranges::equal(found, expected,
                            [](float a, float b) { return a == b || (std::isnan(a) && std::isnan(b)); });
}

Input drawn(unsigned seed, float size) {
  std::mt19937 bits(seed);
  Input numbers{};
  for (float& number : numbers) number = size * (static_cast<float>(bits() >> 8) * 0x1p-23F - 1);
  return numbers;
}

}  // namespace

FunctionCheck<Input, Output> activation_quantization_check() {
  FunctionCheck<Input, Output> check;
  check.name = "activation_quantization";
  check.chapter = 8;
  check.what = "32 activations to int8 and a scale";
  Input ramp{};
  Input ties{};
  for (std::size_t i = 0; i < 32; ++i) {
    ramp[i] = static_cast<float>(i) - 11;
    ties[i] = (static_cast<float>(i) - 15.5F) * 4;  // every one half way between two whole numbers
  }
  ties[31] = 127 * 4;  // ties are 4 apart, and so is the scale
  check.cases.push_back({"ramp", "-11, -10 … 20", ramp});
  check.cases.push_back({"ties", "numbers half way between two multiples of the scale", ties});
  Input negative = drawn(3, 1);
  negative[7] = -2.5F;
  check.cases.push_back({"negative", "the largest magnitude is a negative number's", negative});
  Input last = drawn(4, 1);
  last[31] = 9;
  check.cases.push_back({"last", "the largest is the last", last});
  check.cases.push_back({"zeros", "all 0", Input{}});
  check.cases.push_back({"small", "numbers around 2^-110", drawn(5, 0x1p-110F)});
  check.cases.push_back({"smallest", "subnormal numbers: all become 0", drawn(6, 0x1p-130F)});
  check.cases.push_back({"large", "numbers around 1e30, which no fp16 holds", drawn(7, 1e30F)});
  Input infinite = drawn(8, 1);
  infinite[5] = std::numeric_limits<float>::infinity();
  check.cases.push_back({"infinity", "one is infinite: the scale is NaN", infinite});
  Input nan = drawn(9, 1);
  nan[30] = std::numeric_limits<float>::quiet_NaN();
  check.cases.push_back({"nan", "one is NaN: the scale is, too", nan});
  check.cases.push_back({"drawn", "random numbers", drawn(10, 3)});
  check.oracle = [](const Input& x) { return quantized(x, Slip::none); };
  const auto add = [&check](const char* name, const char* sentence, Slip slip) {
    check.mistakes.push_back({name, sentence, [slip](const Input& x) { return quantized(x, slip); }});
  };
  add("cut", "cut off toward zero; round to the nearest, or all products become a little too small",
      Slip::cut);
  add("half_up", "halves rounded up; to even, or they are all off to one side", Slip::half_up);
  add("divided_by_128", "the largest made 128, which no int8 is; it becomes 127", Slip::divided_by_128);
  add("sign_lost", "the scale taken from the largest number, not from the largest magnitude",
      Slip::sign_lost);
  add("last_left_out", "the last number is not looked at for the scale", Slip::last_left_out);
  add("zero_divides", "0 divided by a scale of 0; a group of zeros has scale 0 and numbers 0",
      Slip::zero_divides);
  check.same = same;
  check.show = [](const Output& out) {
    return fmt::format("scale {:.6g}, numbers {}", out.front(), fmt::join(out.begin() + 1, out.end(), " "));
  };
  return check;
}

}  // namespace rung::check

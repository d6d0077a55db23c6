#include "core/check/functions/block_dot.h"

#include <algorithm>
#include <cmath>
#include <random>
#include <span>
#include <string>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "core/check/block_mistakes.h"
#include "core/tensor/decode.h"
#include "core/tensor/half.h"

namespace rung::check {
namespace {

constexpr DType block_types[] = {DType::Q8_0, DType::Q4_0, DType::Q4_1, DType::Q5_0,
                                 DType::Q5_1, DType::Q4_K, DType::Q5_K, DType::Q6_K};

using Bytes = std::vector<std::uint8_t>;

bool has_minimum(DType type) {
  return type == DType::Q4_1 || type == DType::Q5_1 || type == DType::Q4_K || type == DType::Q5_K;
}

void put_half(Bytes& bytes, std::size_t at, float value) {
  const std::uint16_t bits = float_to_half(value);
  bytes[at] = static_cast<std::uint8_t>(bits & 255);
  bytes[at + 1] = static_cast<std::uint8_t>(bits >> 8);
}

/// Blocks whose whole numbers all bytes are `fill` of, or drawn where that is negative.
struct BlockDraw {
  std::int64_t blocks = 1;
  int fill = -1;
  float scale = 0.25F;
  float minimum = -1.5F;
  bool same_scales = false;  ///< all blocks alike
  unsigned seed = 1;
};

Bytes draw_blocks(DType type, const BlockDraw& draw) {
  std::mt19937 bits(draw.seed);
  const auto size = static_cast<std::size_t>(info(type).block_bytes);
  Bytes all;
  for (std::int64_t b = 0; b < draw.blocks; ++b) {
    Bytes block(size);
    for (std::uint8_t& byte : block)
      byte = static_cast<std::uint8_t>(draw.fill < 0 ? static_cast<int>(bits() >> 24) : draw.fill);
    // Another scale for every block, a power of two times a small number: whichever is taken, it shows.
    const float scale = draw.same_scales ? draw.scale : draw.scale * static_cast<float>(1 + (b * 5) % 7);
    put_half(block, type == DType::Q6_K ? 208 : 0, scale);
    // The minimum of K types is taken away.
    const bool k_type = type == DType::Q4_K || type == DType::Q5_K;
    if (has_minimum(type))
      put_half(block, 2, (k_type ? -draw.minimum : draw.minimum) * static_cast<float>(1 + b % 3));
    all.insert(all.end(), block.begin(), block.end());
  }
  return all;
}

std::int64_t numbers_in(DType type, std::size_t bytes) {
  return static_cast<std::int64_t>(bytes) / info(type).block_bytes * info(type).block_elements;
}

std::vector<float> decoded(DType type, const Bytes& blocks) {
  std::vector<float> numbers(static_cast<std::size_t>(numbers_in(type, blocks.size())));
  decode(type, std::as_bytes(std::span(blocks)), numbers);
  return numbers;
}

/// The sum of products in double, and what fp32 may be off whose sums are of at most K terms, in any order: each term is
/// rounded a few times and each sum once.
BlockDotResult product(const BlockDotInput& input, std::span<const float> weights,
                       std::span<const float> scales) {
  BlockDotResult result;
  double magnitudes = 0;
  for (std::size_t i = 0; i < weights.size(); ++i) {
    const double term = static_cast<double>(weights[i]) * static_cast<double>(scales[i / 32]) *
                        static_cast<double>(input.activations[i]);
    result.value += term;
    magnitudes += std::abs(term);
  }
  const auto roundings = 4 * std::sqrt(static_cast<double>(weights.size())) + 8;
  // A minimum takes away what levels from 0 have added: both are larger than the weights.
  result.bound = roundings * 0x1p-24 * magnitudes * (has_minimum(input.type) ? 4 : 1);
  return result;
}

std::vector<std::int8_t> draw_activations(std::int64_t count, unsigned seed) {
  std::mt19937 bits(seed);
  std::vector<std::int8_t> numbers;
  numbers.reserve(static_cast<std::size_t>(count));
  // More of one sign than of the other, so that a forgotten minimum shows.
  for (std::int64_t i = 0; i < count; ++i)
    numbers.push_back(static_cast<std::int8_t>(static_cast<int>(bits() % 200) - 72));
  return numbers;
}

BlockDotInput make_input(DType type, const BlockDraw& draw, int activation) {
  BlockDotInput input{.type = type, .blocks = draw_blocks(type, draw), .activations = {}, .scales = {}};
  const std::int64_t count = numbers_in(type, input.blocks.size());
  input.activations = activation == 0 ? draw_activations(count, draw.seed + 100)
                                      : std::vector<std::int8_t>(static_cast<std::size_t>(count),
                                                                 static_cast<std::int8_t>(activation));
  // Powers of two, all different next to each other: products with them are exact.
  for (std::int64_t g = 0; g < count / 32; ++g)
    input.scales.push_back(std::ldexp(1.0F, static_cast<int>(g % 3) - 6));
  return input;
}

/// Whole numbers of 16 bits that run over, as an int16 accumulator has them: for the types whose block has one scale.
BlockDotResult in_16_bits(const BlockDotInput& input) {
  const std::vector<float> weights = decoded(input.type, input.blocks);
  BlockDotResult result = product(input, weights, input.scales);
  if (info(input.type).block_elements != 32) return result;
  result.value = 0;
  const auto bytes = static_cast<std::size_t>(info(input.type).block_bytes);
  for (std::size_t b = 0; b < weights.size() / 32; ++b) {
    const auto half = [&](std::size_t at) {
      const std::uint8_t* block = &input.blocks[b * bytes];
      return half_to_float(static_cast<std::uint16_t>(block[at] | (block[at + 1] << 8)));
    };
    const float minimum = has_minimum(input.type) ? half(2) : 0;
    int sum = 0;
    int activations = 0;
    for (std::size_t i = 32 * b; i < 32 * (b + 1); ++i) {
      const int q = half(0) == 0 ? 0 : static_cast<int>(std::lround((weights[i] - minimum) / half(0)));
      sum = static_cast<std::int16_t>(sum + q * input.activations[i]);
      activations += input.activations[i];
    }
    result.value += static_cast<double>(input.scales[b]) *
                    (static_cast<double>(half(0)) * sum + static_cast<double>(minimum) * activations);
  }
  return result;
}

std::string show_numbers(const std::vector<float>& numbers) {
  const auto shown = std::span(numbers).first(std::min<std::size_t>(numbers.size(), 12));
  return fmt::format("{} numbers: {}{}", numbers.size(), fmt::join(shown, " "),
                     numbers.size() > 12 ? " …" : "");
}

}  // namespace

FunctionCheck<BlockDotInput, BlockDotResult> block_dot_check() {
  FunctionCheck<BlockDotInput, BlockDotResult> check;
  check.name = "block_dot";
  check.chapter = 8;
  check.what = "a row of blocks of any type times activations as int8";
  for (const DType type : block_types) {
    const std::string t(name(type));
    const auto add = [&](const char* name, const std::string& what, const BlockDraw& draw, int activation) {
      check.cases.push_back({t + " " + name, t + ", " + what, make_input(type, draw, activation)});
    };
    add("block", "one block", {}, 0);
    add("three blocks", "three blocks, each with its own scale", {.blocks = 3, .seed = 2}, 0);
    add("most", "two blocks, all bits set, all activations 127", {.blocks = 2, .fill = 255}, 127);
    add("most negative", "the same with -127", {.blocks = 2, .fill = 255}, -127);
    add("half bits", "two blocks of bytes 128, all activations 127", {.blocks = 2, .fill = 128}, 127);
    add("zero scale", "two blocks whose scale is 0", {.blocks = 2, .scale = 0, .seed = 3}, 0);
    add("negative scale", "three blocks whose scales are negative", {.blocks = 3, .scale = -0.5F, .seed = 4},
        0);
    add("positive minimum", "three blocks whose minimum is above 0, where there is one",
        {.blocks = 3, .minimum = 0.75F, .seed = 5}, 0);
    add("subnormal scale", "two blocks whose scale is a subnormal fp16",
        {.blocks = 2, .scale = 0x1p-23F, .seed = 6}, 0);
    add("long", "36 blocks: a wide layer", {.blocks = 36, .scale = 0.003F, .minimum = -0.021F, .seed = 7}, 0);
    BlockDotInput zeros = make_input(type, {.blocks = 2, .seed = 8}, 0);
    std::ranges::fill(zeros.activations, std::int8_t{0});
    check.cases.push_back({t + " no activations", t + ", all activations 0", zeros});
  }
  check.oracle = [](const BlockDotInput& input) {
    return product(input, decoded(input.type, input.blocks), input.scales);
  };
  for (const BlockMistake& one : block_mistakes()) {
    check.mistakes.push_back({one.name, one.sentence, [&one](const BlockDotInput& input) {
                                std::vector<float> weights = decoded(input.type, input.blocks);
                                if (std::ranges::count(one.types, input.type) > 0)
                                  one.reread(input.type, std::as_bytes(std::span(input.blocks)), weights);
                                return product(input, weights, input.scales);
                              }});
  }
  check.mistakes.push_back(
      {"activation_scale_of_group_before",
       "activations times the scale of the group before; every 32 of them have their own",
       [](const BlockDotInput& input) {
         std::vector<float> scales = input.scales;
         std::rotate(scales.begin(), scales.end() - 1, scales.end());
         scales.front() = input.scales.front();
         return product(input, decoded(input.type, input.blocks), scales);
       }});
  check.mistakes.push_back({"sum_in_16_bits",
                            "a block's products added up in 16 bits; 32 products of two bytes need 20",
                            in_16_bits});
  check.same = [](const BlockDotResult& found, const BlockDotResult& expected) {
    return std::abs(found.value - expected.value) <= expected.bound;
  };
  check.show = [](const BlockDotResult& result) { return fmt::format("{:.9g}", result.value); };
  return check;
}

FunctionCheck<BlockDecodingInput, std::vector<float>> block_decoding_check() {
  FunctionCheck<BlockDecodingInput, std::vector<float>> check;
  check.name = "block_decoding";
  check.chapter = 8;
  check.what = "blocks of any type to the numbers that they stand for";
  for (const DType type : block_types) {
    const std::string t(name(type));
    const auto add = [&](const char* name, const char* what, const BlockDraw& draw) {
      check.cases.push_back({t + " " + name, t + ", " + what, {type, draw_blocks(type, draw)}});
    };
    add("block", "one block", {});
    add("three blocks", "three blocks, each with its own scale", {.blocks = 3, .seed = 2});
    add("bits", "all bits set", {.blocks = 2, .fill = 255});
    add("negative scale", "a negative scale", {.blocks = 2, .scale = -0.5F, .seed = 4});
    add("subnormal scale", "a subnormal scale", {.blocks = 2, .scale = 0x1p-23F, .seed = 6});
  }
  check.oracle = [](const BlockDecodingInput& input) { return decoded(input.type, input.blocks); };
  for (const BlockMistake& one : block_mistakes()) {
    check.mistakes.push_back({one.name, one.sentence, [&one](const BlockDecodingInput& input) {
                                std::vector<float> numbers = decoded(input.type, input.blocks);
                                if (std::ranges::count(one.types, input.type) > 0)
                                  one.reread(input.type, std::as_bytes(std::span(input.blocks)), numbers);
                                return numbers;
                              }});
  }
  // 0 and -0 are the same number.
  check.show = show_numbers;
  return check;
}

}  // namespace rung::check

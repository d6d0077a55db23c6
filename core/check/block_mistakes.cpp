#include "core/check/block_mistakes.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "core/tensor/decode.h"
#include "core/tensor/half.h"

namespace rung::check {
namespace {

using Blocks = std::vector<std::byte>;

/// Where a block has its fp16 scale.
std::size_t scale_at(DType type) {
  return type == DType::Q6_K ? 208 : 0;
}

/// A row read with its bytes changed first: `change` gets each block, and the same block as it was.
template <typename Change>
auto with_changed_blocks(const Change& change) {
  return [change](DType type, std::span<const std::byte> row, std::span<float> out) {
    Blocks changed(row.begin(), row.end());
    const auto bytes = static_cast<std::size_t>(info(type).block_bytes);
    for (std::size_t at = 0; at < row.size(); at += bytes)
      change(type, row.data() + at, changed.data() + at, at == 0);
    decode(type, changed, out);
  };
}

/// A row read rightly, and then changed: `change` gets the 32 numbers of each block and its scale.
template <typename Change>
auto with_changed_numbers(const Change& change) {
  return [change](DType type, std::span<const std::byte> row, std::span<float> out) {
    decode(type, row, out);
    for (std::size_t b = 0; b < out.size() / 32; ++b) {
      const std::byte* block = row.data() + b * static_cast<std::size_t>(info(type).block_bytes);
      const auto bits =
          static_cast<std::uint16_t>(std::to_integer<int>(block[0]) | (std::to_integer<int>(block[1]) << 8));
      change(type, out.subspan(32 * b, 32), half_to_float(bits));
    }
  };
}

std::vector<BlockMistake> list() {
  using enum DType;
  std::vector<BlockMistake> all;
  const auto add = [&](const char* name, const char* sentence, std::vector<DType> types, auto&& reread) {
    all.push_back({.name = name, .sentence = sentence, .types = std::move(types), .reread = reread});
  };
  add("scale_of_block_before",
      "a block's numbers times the scale of the block before; every block has its own",
      {Q8_0, Q4_0, Q4_1, Q5_0, Q5_1, Q4_K, Q5_K, Q6_K},
      with_changed_blocks([](DType type, const std::byte* block, std::byte* changed, bool first) {
        if (first) return;
        const std::byte* before = block - info(type).block_bytes;
        std::copy_n(before + scale_at(type), 2, changed + scale_at(type));
      }));
  add("nibbles_swapped",
      "the halves of a byte swapped; number i is in the low half of byte i, number i + 16 in its high half",
      {Q4_0, Q4_1}, with_changed_numbers([](DType, std::span<float> numbers, float) {
        for (std::size_t i = 0; i < 16; ++i) std::swap(numbers[i], numbers[i + 16]);
      }));
  add("neighbours_share_byte", "numbers 2i and 2i + 1 taken from byte i; it holds numbers i and i + 16",
      {Q4_0, Q4_1}, with_changed_numbers([](DType, std::span<float> numbers, float) {
        const std::vector<float> right(numbers.begin(), numbers.end());
        for (std::size_t i = 0; i < 16; ++i) {
          numbers[2 * i] = right[i];
          numbers[2 * i + 1] = right[i + 16];
        }
      }));
  add("minimum_and_scale_swapped",
      "a block's minimum taken for its scale and the other way; the scale stands first",
      {Q4_1, Q5_1, Q4_K, Q5_K},
      with_changed_blocks([](DType, const std::byte* block, std::byte* changed, bool) {
        std::copy_n(block, 2, changed + 2);
        std::copy_n(block + 2, 2, changed);
      }));
  add("activation_sum_forgotten",
      "the minimum of the weights left out; it counts once for every activation, so it is multiplied by "
      "their sum",
      {Q4_1, Q5_1, Q4_K, Q5_K}, with_changed_blocks([](DType, const std::byte*, std::byte* changed, bool) {
        changed[2] = changed[3] = std::byte{0};
      }));
  add("levels_not_shifted", "levels taken as 0 to 15 (or 31); they stand for -8 to 7 (or -16 to 15)",
      {Q4_0, Q5_0}, with_changed_numbers([](DType type, std::span<float> numbers, float scale) {
        for (float& number : numbers) number += scale * (type == Q4_0 ? 8.0F : 16.0F);
      }));
  add("nibbles_in_twos_complement", "levels 8 to 15 taken for -8 to -1; level q stands for q - 8", {Q4_0},
      with_changed_numbers([](DType, std::span<float> numbers, float scale) {
        for (float& number : numbers) {
          const float q = scale == 0 ? 0 : std::round(number / scale) + 8;
          number = scale * (q < 8 ? q : q - 16);
        }
      }));
  add("fifth_bits_of_other_half",
      "the fifth bits of numbers 0 to 15 and of 16 to 31 swapped; bit i is number i's", {Q5_0, Q5_1},
      with_changed_blocks([](DType type, const std::byte* block, std::byte* changed, bool) {
        const std::size_t at = type == Q5_0 ? 2 : 4;
        std::copy_n(block + at, 2, changed + at + 2);
        std::copy_n(block + at + 2, 2, changed + at);
      }));
  add("int8_as_unsigned", "weights of 8 bits taken as 0 to 255; they are signed", {Q8_0},
      with_changed_numbers([](DType, std::span<float> numbers, float scale) {
        for (float& number : numbers) {
          if (number * scale < 0) number += 256 * scale;
        }
      }));
  add("sixteen_scales_as_eight", "one scale for 32 numbers; Q6_K has one for 16", {Q6_K},
      with_changed_blocks([](DType, const std::byte*, std::byte* changed, bool) {
        for (std::size_t i = 0; i < 16; i += 2) changed[192 + i + 1] = changed[192 + i];
      }));
  add("top_bits_forgotten",
      "scales and minima 4 to 7 without their two top bits, which stand in bytes 0 to 7", {Q4_K, Q5_K},
      with_changed_blocks([](DType, const std::byte*, std::byte* changed, bool) {
        for (std::size_t i = 0; i < 8; ++i) changed[4 + i] &= std::byte{63};
      }));
  return all;
}

}  // namespace

const std::vector<BlockMistake>& block_mistakes() {
  static const std::vector<BlockMistake> all = list();
  return all;
}

}  // namespace rung::check

#pragma once

// How each block type gives 32 numbers at a time as small integers with a scale, for products of integers. The layouts
// are those of core/tensor/decode.cpp; here 16 numbers are read at once.

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <tuple>
#include <utility>

#include "chapters/08_quantization/short_vectors.h"
#include "core/tensor/dtype.h"
#include "core/tensor/half.h"

#ifdef __F16C__
#include <immintrin.h>
#endif

namespace rung {

/// An fp16 number in a block; by the machine's own instruction where the compiler knows one.
inline float block_half(const std::byte* from) {
#if defined(__aarch64__) || defined(__FLT16_MANT_DIG__)
#ifdef __aarch64__
  __fp16 half;  // g++ 12 knows the other name in C alone
#else
  __extension__ _Float16 half;
#endif
  std::memcpy(&half, from, sizeof half);
  return static_cast<float>(half);
#else
  std::uint16_t bits = 0;
  std::memcpy(&bits, from, sizeof bits);
  return half_to_float(bits);
#endif
}

/// Two of them, one after the other.
inline std::pair<float, float> block_halves(const std::byte* from) {
#ifdef __F16C__
  std::int32_t bits = 0;
  std::memcpy(&bits, from, sizeof bits);
  const __m128 both = _mm_cvtph_ps(_mm_cvtsi32_si128(bits));
  return {both[0], both[1]};
#else
  return {block_half(from), block_half(from + 2)};
#endif
}

/// A byte of a block as a number.
inline int block_byte(const std::byte* from) {
  return std::to_integer<int>(*from);
}

// [weight_group]
/// 32 weights: number i is scale · low[i] + minimum for the first 16, scale · high[i] + minimum for the others. Where the
/// two halves have scales of their own (Q6_K), the second is `high_scale`.
struct WeightGroup {
  Shorts16 low, high;    ///< the whole numbers
  float scale;           ///< of low, and of high where both have the same
  float minimum = 0;     ///< of both
  float high_scale = 0;  ///< of high, where it has its own
};
// [weight_group]

/// Whether the type adds a minimum to its numbers.
constexpr bool has_minimum(DType type) {
  return type == DType::Q4_1 || type == DType::Q5_1 || type == DType::Q4_K || type == DType::Q5_K;
}
/// Whether 16 numbers share a scale, not 32.
constexpr bool has_two_scales(DType type) {
  return type == DType::Q6_K;
}

/// Groups of 32 in a block: 8 in ggml's "K" types, else 1.
constexpr int groups_in_block(DType type) {
  return type == DType::Q4_K || type == DType::Q5_K || type == DType::Q6_K ? 8 : 1;
}

/// The fifth bits of 16 numbers, bit i of `bits` for number i, where they belong.
inline Shorts16 fifth_bits(std::uint16_t bits) {
  constexpr UnsignedShorts16 places = {1,   2,   4,    8,    16,   32,   64,      128,
                                       256, 512, 1024, 2048, 4096, 8192, 1 << 14, 1 << 15};
  const UnsignedShorts16 all = UnsignedShorts16{} + bits;
  return ((all & places) == places) & 16;  // a comparison gives -1, all bits, where it holds
}

/// The 6-bit scale and minimum of a sub-block of Q4_K and Q5_K, times the block's own; the layout is told at
/// packed_scale in core/tensor/decode.cpp.
inline void put_packed_scale(const std::byte* block, int sub_block, WeightGroup& group) {
  const std::byte* packed = block + 4;
  int scale = 0;
  int minimum = 0;
  if (sub_block < 4) {
    scale = block_byte(packed + sub_block) & 63;
    minimum = block_byte(packed + sub_block + 4) & 63;
  } else {
    const int low = block_byte(packed + sub_block + 4);
    scale = (low & 15) | ((block_byte(packed + sub_block - 4) >> 6) << 4);
    minimum = (low >> 4) | ((block_byte(packed + sub_block) >> 6) << 4);
  }
  const auto [of_scales, of_minima] = block_halves(block);
  group.scale = of_scales * static_cast<float>(scale);
  group.minimum = -of_minima * static_cast<float>(minimum);
}

/// Group `g` of a block, 0 <= g < groups_in_block(type).
template <DType type>
WeightGroup weight_group(const std::byte* block, int g) {
  WeightGroup group;
  if constexpr (type == DType::Q8_0) {
    group.scale = block_half(block);
    group.low = shorts(load16<SignedBytes16>(block + 2));
    group.high = shorts(load16<SignedBytes16>(block + 18));
  } else if constexpr (type == DType::Q4_0) {
    // [q4_0]
    const Shorts16 q = shorts(load16<Bytes16>(block + 2));
    group.scale = block_half(block);
    group.low = (q & 15) - 8;
    group.high = (q >> 4) - 8;
    // [q4_0]
  } else if constexpr (type == DType::Q4_1) {
    // [q4_1]
    const Shorts16 q = shorts(load16<Bytes16>(block + 4));
    std::tie(group.scale, group.minimum) = block_halves(block);
    group.low = q & 15;
    group.high = q >> 4;
    // [q4_1]
  } else if constexpr (type == DType::Q5_0 || type == DType::Q5_1) {
    constexpr int fields = type == DType::Q5_1 ? 4 : 2;  // bytes of scale and minimum
    if constexpr (type == DType::Q5_1) {
      std::tie(group.scale, group.minimum) = block_halves(block);
    } else {
      group.scale = block_half(block);
    }
    std::uint16_t high_bits[2];
    std::memcpy(high_bits, block + fields, sizeof high_bits);
    const Shorts16 q = shorts(load16<Bytes16>(block + fields + 4));
    group.low = (q & 15) | fifth_bits(high_bits[0]);
    group.high = (q >> 4) | fifth_bits(high_bits[1]);
    if constexpr (type == DType::Q5_0) {
      group.low -= 16;
      group.high -= 16;
    }
  } else if constexpr (type == DType::Q4_K || type == DType::Q5_K) {
    put_packed_scale(block, g, group);
    const std::byte* q = block + (type == DType::Q5_K ? 48 : 16) + 32 * (g / 2);
    const int shift = 4 * (g % 2);
    group.low = (shorts(load16<Bytes16>(q)) >> shift) & 15;
    group.high = (shorts(load16<Bytes16>(q + 16)) >> shift) & 15;
    if constexpr (type == DType::Q5_K) {
      group.low |= ((shorts(load16<Bytes16>(block + 16)) >> g) & 1) << 4;
      group.high |= ((shorts(load16<Bytes16>(block + 32)) >> g) & 1) << 4;
    }
  } else {
    static_assert(type == DType::Q6_K);
    const int half = g / 4;
    const int quarter = g % 4;
    const std::byte* low = block + 64 * half + 32 * (quarter % 2);
    const std::byte* high = block + 128 + 32 * half;
    const int low_shift = quarter < 2 ? 0 : 4;
    const int high_shift = 2 * quarter;
    const auto numbers = [&](int first) {
      const Shorts16 four = (shorts(load16<Bytes16>(low + first)) >> low_shift) & 15;
      const Shorts16 two = (shorts(load16<Bytes16>(high + first)) >> high_shift) & 3;
      return (four | (two << 4)) - 32;
    };
    group.low = numbers(0);
    group.high = numbers(16);
    const float super_scale = block_half(block + 208);
    const auto scale = [&](int sixteen) {
      return super_scale * static_cast<float>(static_cast<std::int8_t>(block_byte(block + 192 + sixteen)));
    };
    group.scale = scale(2 * g);
    group.high_scale = scale(2 * g + 1);
  }
  return group;
}

}  // namespace rung

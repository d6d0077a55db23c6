#pragma once

#include <bit>
#include <cmath>
#include <cstdint>

// From float and double to 16 bits, each rounded once, to nearest, ties to even; and back. Inline, since kernels call
// them for every number. A NaN becomes CUDA's canonical one, 0x7fff.

namespace rung::simt::detail {

/// The bits of the half next to `x`.
inline std::uint16_t half_bits(double x) {
  const auto bits = std::bit_cast<std::uint64_t>(x);
  const auto sign = static_cast<std::uint16_t>(bits >> 48 & 0x8000);
  const double magnitude = std::bit_cast<double>(bits & 0x7fffffffffffffff);
  if (std::isnan(x)) return 0x7fff;
  if (magnitude >= 65520.0) return sign | 0x7c00;  // halfway from the largest half to 65536
  if (magnitude < 0x1p-14) {
    // Subnormal halves are the multiples of 2^-24, the unit in the last place of doubles around 2^28: the addition rounds.
    const double moved = magnitude + 0x1p28;
    return static_cast<std::uint16_t>(sign | std::bit_cast<std::uint64_t>(moved));
  }
  // 42 bits go: just under half a unit is added, and one more where the kept part is odd. A carry runs on into the
  // exponent, which is what rounding up to the next power of two means.
  const auto m = std::bit_cast<std::uint64_t>(magnitude);
  const std::uint64_t rounded = (m + 0x1ffffffffff + (m >> 42 & 1)) >> 42;
  return static_cast<std::uint16_t>(sign | (rounded - (std::uint64_t{1023 - 15} << 10)));
}

/// The bits of the bfloat16 next to `x`.
inline std::uint16_t bfloat16_bits(double x) {
  const auto bits = std::bit_cast<std::uint64_t>(x);
  const auto sign = static_cast<std::uint16_t>(bits >> 48 & 0x8000);
  const double magnitude = std::bit_cast<double>(bits & 0x7fffffffffffffff);
  if (std::isnan(x)) return 0x7fff;
  if (magnitude >= 0x1.ffp127) return sign | 0x7f80;  // halfway from the largest bfloat16 to 2^128
  if (magnitude < 0x1p-126) {  // multiples of 2^-133, the last place of doubles around 2^-81
    const double moved = magnitude + 0x1p-81;
    return static_cast<std::uint16_t>(sign | (std::bit_cast<std::uint64_t>(moved) & 0xffff));
  }
  const auto m = std::bit_cast<std::uint64_t>(magnitude);
  const std::uint64_t rounded = (m + 0xfffffffffff + (m >> 45 & 1)) >> 45;
  return static_cast<std::uint16_t>(sign | (rounded - (std::uint64_t{1023 - 127} << 7)));
}

// The compiler's own 16-bit type where that is one instruction: x86-64 with F16C and every arm64.
#if defined(__F16C__) && defined(__FLT16_MAX__)
using HardwareHalf = _Float16;
#define RUNG_SIMT_HARDWARE_HALF 1
#elif defined(__aarch64__)
using HardwareHalf = __fp16;
#define RUNG_SIMT_HARDWARE_HALF 1
#endif

inline std::uint16_t half_bits(float x) {
#ifdef RUNG_SIMT_HARDWARE_HALF
  if (std::isnan(x)) return 0x7fff;
  return std::bit_cast<std::uint16_t>(static_cast<HardwareHalf>(x));
#else
  return half_bits(static_cast<double>(x));
#endif
}

inline float half_value(std::uint16_t bits) {
#ifdef RUNG_SIMT_HARDWARE_HALF
  return static_cast<float>(std::bit_cast<HardwareHalf>(bits));
#else
  const std::uint32_t sign = (std::uint32_t{bits} & 0x8000) << 16;
  const std::uint32_t exponent = bits & 0x7c00, mantissa = bits & 0x03ff;
  if (exponent == 0) {  // zero or subnormal: mantissa · 2^-24
    return std::bit_cast<float>(std::bit_cast<std::uint32_t>(static_cast<float>(mantissa) * 0x1p-24f) | sign);
  }
  const std::uint32_t moved = (exponent | mantissa) << 13;
  if (exponent == 0x7c00) return std::bit_cast<float>(sign | 0x7f800000 | moved);
  return std::bit_cast<float>(sign | (moved + ((127u - 15u) << 23)));
#endif
}

inline std::uint16_t bfloat16_bits(float x) {
  const auto bits = std::bit_cast<std::uint32_t>(x);
  if ((bits & 0x7fffffff) > 0x7f800000) return 0x7fff;
  return static_cast<std::uint16_t>((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}

inline float bfloat16_value(std::uint16_t bits) {
  return std::bit_cast<float>(std::uint32_t{bits} << 16);
}

/// a · b + c for numbers of at most 11 significant bits, as a double that rounds to 11 or fewer bits as the exact
/// value would. The product is exact; where the sum is not, its last bit is set ("round to odd"), so that a sum beside
/// the middle between two short numbers never lands on that middle. (Boldo and Melquiond, Emulation of a FMA and
/// correctly rounded sums, IEEE Trans. Computers 57(4), 2008.)
inline double fused_multiply_add(float a, float b, float c) {
  const double product = static_cast<double>(a) * static_cast<double>(b);
  const double addend = static_cast<double>(c);
  const double sum = product + addend;
  // Knuth's TwoSum: what `sum` lost.
  const double seen = sum - product;
  const double lost = (product - (sum - seen)) + (addend - seen);
  auto bits = std::bit_cast<std::uint64_t>(sum);
  if (lost == 0 || !std::isfinite(lost) || (bits & 1) != 0) return sum;
  // One step towards what was lost; `sum` is not 0, since a sum that cancels is exact.
  bits += (lost > 0) == (sum > 0) ? 1 : std::uint64_t(-1);
  return std::bit_cast<double>(bits);
}

}  // namespace rung::simt::detail

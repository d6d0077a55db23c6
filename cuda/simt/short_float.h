#pragma once

#include <cstdint>

#include "cuda/simt/rounding.h"

// What __half and __nv_bfloat16 have in common: the arithmetic, once, over two kinds of rounding. Every operation rounds
// once, to nearest even, as the instructions of a GPU do. The functions have CUDA's names and are found by their arguments.

namespace rung::simt::detail {

/// How a binary16 is rounded. Products and quotients are formed in fp32, whose 24 bits are at least 2 · 11 + 2, so that
/// rounding twice gives the same as rounding once (Figueroa 1995).
struct HalfRounding {
  using Product = float;
  static constexpr unsigned infinity = 0x7c00;
  template <typename Number>
  static std::uint16_t bits(Number x) {
    return half_bits(x);
  }
  static float value(std::uint16_t bits) { return half_value(bits); }
};

/// How a bfloat16 is. Products and quotients are formed in double, since fp32 has no more exponents than bfloat16 and would
/// round a tiny one a first time. Sums are not tiny where their summands are not, and are formed in fp32 for both.
struct Bfloat16Rounding {
  using Product = double;
  static constexpr unsigned infinity = 0x7f80;
  template <typename Number>
  static std::uint16_t bits(Number x) {
    return bfloat16_bits(x);
  }
  static float value(std::uint16_t bits) { return bfloat16_value(bits); }
};

/// Base of the type Self: 16 bits that Rounding gives a meaning.
template <typename Self, typename Rounding>
struct ShortFloat {
  std::uint16_t bits;

  ShortFloat() = default;
  // Conversions as CUDA has them, implicit ones included: what compiles here should compile there.
  // NOLINTBEGIN(google-explicit-constructor)
  ShortFloat(float x) : bits(Rounding::bits(x)) {}
  ShortFloat(double x) : bits(Rounding::bits(x)) {}
  ShortFloat(int x) : bits(Rounding::bits(static_cast<double>(x))) {}
  ShortFloat(unsigned x) : bits(Rounding::bits(static_cast<double>(x))) {}
  operator float() const { return Rounding::value(bits); }
  // NOLINTEND(google-explicit-constructor)

  /// The number with these bits.
  static Self from_bits(std::uint16_t b) {
    Self number;
    number.bits = b;
    return number;
  }

  friend Self __hadd(Self a, Self b) { return Self(static_cast<float>(a) + static_cast<float>(b)); }
  friend Self __hsub(Self a, Self b) { return Self(static_cast<float>(a) - static_cast<float>(b)); }
  friend Self __hmul(Self a, Self b) { return Self(wide(a) * wide(b)); }
  friend Self __hdiv(Self a, Self b) { return Self(wide(a) / wide(b)); }
  /// a · b + c, rounded once.
  friend Self __hfma(Self a, Self b, Self c) { return Self(fused_multiply_add(a, b, c)); }
  friend Self __hneg(Self a) { return from_bits(static_cast<std::uint16_t>(a.bits ^ 0x8000)); }
  friend Self __habs(Self a) { return from_bits(static_cast<std::uint16_t>(a.bits & 0x7fff)); }
  friend bool __heq(Self a, Self b) { return static_cast<float>(a) == static_cast<float>(b); }
  friend bool __hne(Self a, Self b) { return static_cast<float>(a) != static_cast<float>(b); }
  friend bool __hlt(Self a, Self b) { return static_cast<float>(a) < static_cast<float>(b); }
  friend bool __hle(Self a, Self b) { return static_cast<float>(a) <= static_cast<float>(b); }
  friend bool __hgt(Self a, Self b) { return static_cast<float>(a) > static_cast<float>(b); }
  friend bool __hge(Self a, Self b) { return static_cast<float>(a) >= static_cast<float>(b); }
  friend bool __hisnan(Self a) { return (a.bits & 0x7fffU) > Rounding::infinity; }
  /// The larger one; of a number and a NaN the number.
  friend Self __hmax(Self a, Self b) { return __hisnan(b) || __hgt(a, b) ? a : b; }
  /// The smaller one; of a number and a NaN the number.
  friend Self __hmin(Self a, Self b) { return __hisnan(b) || __hlt(a, b) ? a : b; }

  friend Self operator+(const Self& a, const Self& b) { return __hadd(a, b); }
  friend Self operator-(const Self& a, const Self& b) { return __hsub(a, b); }
  friend Self operator*(const Self& a, const Self& b) { return __hmul(a, b); }
  friend Self operator/(const Self& a, const Self& b) { return __hdiv(a, b); }
  friend Self operator-(const Self& a) { return __hneg(a); }
  friend Self& operator+=(Self& a, const Self& b) { return a = __hadd(a, b); }
  friend Self& operator-=(Self& a, const Self& b) { return a = __hsub(a, b); }
  friend Self& operator*=(Self& a, const Self& b) { return a = __hmul(a, b); }
  friend Self& operator/=(Self& a, const Self& b) { return a = __hdiv(a, b); }
  friend bool operator==(const Self& a, const Self& b) { return __heq(a, b); }
  friend bool operator!=(const Self& a, const Self& b) { return __hne(a, b); }
  friend bool operator<(const Self& a, const Self& b) { return __hlt(a, b); }
  friend bool operator<=(const Self& a, const Self& b) { return __hle(a, b); }
  friend bool operator>(const Self& a, const Self& b) { return __hgt(a, b); }
  friend bool operator>=(const Self& a, const Self& b) { return __hge(a, b); }

 private:
  static typename Rounding::Product wide(Self a) { return static_cast<float>(a); }
};

/// Base of the type Self: two numbers that are loaded and stored as one word; x is the lower one.
template <typename Self, typename Number>
struct __attribute__((aligned(4), may_alias)) ShortFloat2 {
  Number x, y;

  ShortFloat2() = default;
  ShortFloat2(Number x_, Number y_) : x(x_), y(y_) {}
  // Through a word, so that a copy is one access whatever the optimiser makes of a plain struct.
  ShortFloat2(const ShortFloat2& other) { *this = other; }
  ShortFloat2& operator=(const ShortFloat2& other) {
    std::uint32_t word = 0;
    __builtin_memcpy(&word, static_cast<const void*>(&other), sizeof word);
    __builtin_memcpy(static_cast<void*>(this), &word, sizeof word);
    return *this;
  }

  friend float __low2float(Self h) { return h.x; }
  friend float __high2float(Self h) { return h.y; }
  friend Self __hadd2(Self a, Self b) { return Self(__hadd(a.x, b.x), __hadd(a.y, b.y)); }
  friend Self __hsub2(Self a, Self b) { return Self(__hsub(a.x, b.x), __hsub(a.y, b.y)); }
  friend Self __hmul2(Self a, Self b) { return Self(__hmul(a.x, b.x), __hmul(a.y, b.y)); }
  friend Self __h2div(Self a, Self b) { return Self(__hdiv(a.x, b.x), __hdiv(a.y, b.y)); }
  /// a · b + c in both, each rounded once.
  friend Self __hfma2(Self a, Self b, Self c) { return Self(__hfma(a.x, b.x, c.x), __hfma(a.y, b.y, c.y)); }
  friend Self __hmax2(Self a, Self b) { return Self(__hmax(a.x, b.x), __hmax(a.y, b.y)); }
  friend Self __hmin2(Self a, Self b) { return Self(__hmin(a.x, b.x), __hmin(a.y, b.y)); }
  friend Self __hneg2(Self a) { return Self(__hneg(a.x), __hneg(a.y)); }
  friend Self __habs2(Self a) { return Self(__habs(a.x), __habs(a.y)); }
  friend Self operator+(const Self& a, const Self& b) { return __hadd2(a, b); }
  friend Self operator-(const Self& a, const Self& b) { return __hsub2(a, b); }
  friend Self operator*(const Self& a, const Self& b) { return __hmul2(a, b); }
  friend Self operator/(const Self& a, const Self& b) { return __h2div(a, b); }
  friend Self& operator+=(Self& a, const Self& b) { return a = __hadd2(a, b); }
  friend Self& operator*=(Self& a, const Self& b) { return a = __hmul2(a, b); }
};

}  // namespace rung::simt::detail

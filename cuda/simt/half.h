#pragma once

#include <cstdint>

#include "cuda/simt/rounding.h"
#include "cuda/simt/vector_types.h"

// CUDA's __half and __half2, with what our kernels call of cuda_fp16.h. Every operation rounds once, to nearest even, as
// the instructions of a GPU do: sums, products and quotients of halves are formed in fp32, whose 24 bits are at least
// 2 · 11 + 2, so that rounding twice gives the same as rounding once (Figueroa 1995); a fused multiply-add has its own way.

/// IEEE binary16.
struct __half {
  std::uint16_t bits;

  __half() = default;
  // Conversions as CUDA has them, implicit ones included: what compiles here should compile there.
  // NOLINTBEGIN(google-explicit-constructor)
  __half(float x) : bits(rung::simt::detail::half_bits(x)) {}
  __half(double x) : bits(rung::simt::detail::half_bits(x)) {}
  __half(int x) : bits(rung::simt::detail::half_bits(static_cast<double>(x))) {}
  __half(unsigned x) : bits(rung::simt::detail::half_bits(static_cast<double>(x))) {}
  operator float() const { return rung::simt::detail::half_value(bits); }
  // NOLINTEND(google-explicit-constructor)

  /// The half with these bits.
  static __half from_bits(std::uint16_t b) {
    __half h;
    h.bits = b;
    return h;
  }
};
using half = __half;

/// Two halves that are loaded and stored as one word; x is the lower one.
struct __attribute__((aligned(4), may_alias)) __half2 {
  __half x, y;

  __half2() = default;
  __half2(__half x_, __half y_) : x(x_), y(y_) {}
  // Through a word, so that a copy is one access whatever the optimiser makes of a plain struct.
  __half2(const __half2& other) { *this = other; }
  __half2& operator=(const __half2& other) {
    std::uint32_t word = 0;
    __builtin_memcpy(&word, &other, sizeof word);
    __builtin_memcpy(static_cast<void*>(this), &word, sizeof word);
    return *this;
  }
};
using half2 = __half2;

inline __half __float2half(float x) {
  return __half(x);
}
inline __half __float2half_rn(float x) {
  return __half(x);
}
inline __half __double2half(double x) {
  return __half(x);
}
inline float __half2float(__half h) {
  return static_cast<float>(h);
}
inline std::uint16_t __half_as_ushort(__half h) {
  return h.bits;
}
inline __half __ushort_as_half(std::uint16_t bits) {
  return __half::from_bits(bits);
}

inline __half __hadd(__half a, __half b) {
  return __half(static_cast<float>(a) + static_cast<float>(b));
}
inline __half __hsub(__half a, __half b) {
  return __half(static_cast<float>(a) - static_cast<float>(b));
}
inline __half __hmul(__half a, __half b) {
  return __half(static_cast<float>(a) * static_cast<float>(b));
}
inline __half __hdiv(__half a, __half b) {
  return __half(static_cast<float>(a) / static_cast<float>(b));
}
/// a · b + c, rounded once.
inline __half __hfma(__half a, __half b, __half c) {
  return __half(rung::simt::detail::fused_multiply_add(a, b, c));
}
inline __half __hneg(__half a) {
  return __half::from_bits(static_cast<std::uint16_t>(a.bits ^ 0x8000));
}
inline __half __habs(__half a) {
  return __half::from_bits(static_cast<std::uint16_t>(a.bits & 0x7fff));
}
inline bool __heq(__half a, __half b) {
  return static_cast<float>(a) == static_cast<float>(b);
}
inline bool __hne(__half a, __half b) {
  return static_cast<float>(a) != static_cast<float>(b);
}
inline bool __hlt(__half a, __half b) {
  return static_cast<float>(a) < static_cast<float>(b);
}
inline bool __hle(__half a, __half b) {
  return static_cast<float>(a) <= static_cast<float>(b);
}
inline bool __hgt(__half a, __half b) {
  return static_cast<float>(a) > static_cast<float>(b);
}
inline bool __hge(__half a, __half b) {
  return static_cast<float>(a) >= static_cast<float>(b);
}
inline bool __hisnan(__half a) {
  return (a.bits & 0x7fff) > 0x7c00;
}
/// The larger one; of a number and a NaN the number.
inline __half __hmax(__half a, __half b) {
  return __hisnan(b) || __hgt(a, b) ? a : b;
}
/// The smaller one; of a number and a NaN the number.
inline __half __hmin(__half a, __half b) {
  return __hisnan(b) || __hlt(a, b) ? a : b;
}

inline __half operator+(const __half& a, const __half& b) {
  return __hadd(a, b);
}
inline __half operator-(const __half& a, const __half& b) {
  return __hsub(a, b);
}
inline __half operator*(const __half& a, const __half& b) {
  return __hmul(a, b);
}
inline __half operator/(const __half& a, const __half& b) {
  return __hdiv(a, b);
}
inline __half operator-(const __half& a) {
  return __hneg(a);
}
inline __half& operator+=(__half& a, const __half& b) {
  return a = __hadd(a, b);
}
inline __half& operator-=(__half& a, const __half& b) {
  return a = __hsub(a, b);
}
inline __half& operator*=(__half& a, const __half& b) {
  return a = __hmul(a, b);
}
inline __half& operator/=(__half& a, const __half& b) {
  return a = __hdiv(a, b);
}
inline bool operator==(const __half& a, const __half& b) {
  return __heq(a, b);
}
inline bool operator!=(const __half& a, const __half& b) {
  return __hne(a, b);
}
inline bool operator<(const __half& a, const __half& b) {
  return __hlt(a, b);
}
inline bool operator<=(const __half& a, const __half& b) {
  return __hle(a, b);
}
inline bool operator>(const __half& a, const __half& b) {
  return __hgt(a, b);
}
inline bool operator>=(const __half& a, const __half& b) {
  return __hge(a, b);
}

inline __half2 make_half2(__half x, __half y) {
  return __half2(x, y);
}
inline __half2 __halves2half2(__half x, __half y) {
  return __half2(x, y);
}
inline __half2 __floats2half2_rn(float x, float y) {
  return __half2(__half(x), __half(y));
}
inline __half2 __float22half2_rn(float2 v) {
  return __half2(__half(v.x), __half(v.y));
}
inline __half2 __float2half2_rn(float x) {
  return __half2(__half(x), __half(x));
}
inline __half2 __half2half2(__half x) {
  return __half2(x, x);
}
inline float2 __half22float2(__half2 h) {
  return float2(h.x, h.y);
}
inline __half __low2half(__half2 h) {
  return h.x;
}
inline __half __high2half(__half2 h) {
  return h.y;
}
inline float __low2float(__half2 h) {
  return h.x;
}
inline float __high2float(__half2 h) {
  return h.y;
}
inline __half2 __hadd2(__half2 a, __half2 b) {
  return __half2(__hadd(a.x, b.x), __hadd(a.y, b.y));
}
inline __half2 __hsub2(__half2 a, __half2 b) {
  return __half2(__hsub(a.x, b.x), __hsub(a.y, b.y));
}
inline __half2 __hmul2(__half2 a, __half2 b) {
  return __half2(__hmul(a.x, b.x), __hmul(a.y, b.y));
}
inline __half2 __h2div(__half2 a, __half2 b) {
  return __half2(__hdiv(a.x, b.x), __hdiv(a.y, b.y));
}
/// a · b + c in both halves, each rounded once.
inline __half2 __hfma2(__half2 a, __half2 b, __half2 c) {
  return __half2(__hfma(a.x, b.x, c.x), __hfma(a.y, b.y, c.y));
}
inline __half2 __hmax2(__half2 a, __half2 b) {
  return __half2(__hmax(a.x, b.x), __hmax(a.y, b.y));
}
inline __half2 __hmin2(__half2 a, __half2 b) {
  return __half2(__hmin(a.x, b.x), __hmin(a.y, b.y));
}
inline __half2 __hneg2(__half2 a) {
  return __half2(__hneg(a.x), __hneg(a.y));
}
inline __half2 __habs2(__half2 a) {
  return __half2(__habs(a.x), __habs(a.y));
}
inline __half2 operator+(const __half2& a, const __half2& b) {
  return __hadd2(a, b);
}
inline __half2 operator-(const __half2& a, const __half2& b) {
  return __hsub2(a, b);
}
inline __half2 operator*(const __half2& a, const __half2& b) {
  return __hmul2(a, b);
}
inline __half2 operator/(const __half2& a, const __half2& b) {
  return __h2div(a, b);
}
inline __half2& operator+=(__half2& a, const __half2& b) {
  return a = __hadd2(a, b);
}
inline __half2& operator*=(__half2& a, const __half2& b) {
  return a = __hmul2(a, b);
}

#pragma once

#include <cstdint>

#include "cuda/simt/short_float.h"
#include "cuda/simt/vector_types.h"

// CUDA's __half and __half2, with what our kernels call of cuda_fp16.h: here the conversions, which have names of their own;
// the arithmetic is short_float.h's.

/// IEEE binary16.
struct __half : rung::simt::detail::ShortFloat<__half, rung::simt::detail::HalfRounding> {
  using ShortFloat::ShortFloat;
  __half() = default;
};
using half = __half;

/// Two halves that are loaded and stored as one word; x is the lower one.
struct __attribute__((aligned(4), may_alias)) __half2 : rung::simt::detail::ShortFloat2<__half2, __half> {
  using ShortFloat2::ShortFloat2;
  __half2() = default;
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

#pragma once

#include <cstdint>

#include "cuda/simt/short_float.h"
#include "cuda/simt/vector_types.h"

// CUDA's __nv_bfloat16 and __nv_bfloat162, with what our kernels call of cuda_bf16.h: here the conversions, which have names
// of their own; the arithmetic is short_float.h's.

/// bfloat16: the upper half of an fp32.
struct __nv_bfloat16 : rung::simt::detail::ShortFloat<__nv_bfloat16, rung::simt::detail::Bfloat16Rounding> {
  using ShortFloat::ShortFloat;
  __nv_bfloat16() = default;
};
using nv_bfloat16 = __nv_bfloat16;

/// Two of them that are loaded and stored as one word; x is the lower one.
struct __attribute__((aligned(4), may_alias)) __nv_bfloat162
    : rung::simt::detail::ShortFloat2<__nv_bfloat162, __nv_bfloat16> {
  using ShortFloat2::ShortFloat2;
  __nv_bfloat162() = default;
};
using nv_bfloat162 = __nv_bfloat162;

inline __nv_bfloat16 __float2bfloat16(float x) {
  return __nv_bfloat16(x);
}
inline __nv_bfloat16 __float2bfloat16_rn(float x) {
  return __nv_bfloat16(x);
}
inline __nv_bfloat16 __double2bfloat16(double x) {
  return __nv_bfloat16(x);
}
inline float __bfloat162float(__nv_bfloat16 h) {
  return static_cast<float>(h);
}
inline std::uint16_t __bfloat16_as_ushort(__nv_bfloat16 h) {
  return h.bits;
}
inline __nv_bfloat16 __ushort_as_bfloat16(std::uint16_t bits) {
  return __nv_bfloat16::from_bits(bits);
}

inline __nv_bfloat162 make_bfloat162(__nv_bfloat16 x, __nv_bfloat16 y) {
  return __nv_bfloat162(x, y);
}
inline __nv_bfloat162 __halves2bfloat162(__nv_bfloat16 x, __nv_bfloat16 y) {
  return __nv_bfloat162(x, y);
}
inline __nv_bfloat162 __floats2bfloat162_rn(float x, float y) {
  return __nv_bfloat162(__nv_bfloat16(x), __nv_bfloat16(y));
}
inline __nv_bfloat162 __float22bfloat162_rn(float2 v) {
  return __nv_bfloat162(__nv_bfloat16(v.x), __nv_bfloat16(v.y));
}
inline __nv_bfloat162 __float2bfloat162_rn(float x) {
  return __nv_bfloat162(__nv_bfloat16(x), __nv_bfloat16(x));
}
inline __nv_bfloat162 __bfloat162bfloat162(__nv_bfloat16 x) {
  return __nv_bfloat162(x, x);
}
inline float2 __bfloat1622float2(__nv_bfloat162 h) {
  return float2(h.x, h.y);
}
inline __nv_bfloat16 __low2bfloat16(__nv_bfloat162 h) {
  return h.x;
}
inline __nv_bfloat16 __high2bfloat16(__nv_bfloat162 h) {
  return h.y;
}

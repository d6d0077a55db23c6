#pragma once

// The three types of numbers that kernels read and write. All arithmetic is in fp32: a number is widened when it is
// loaded and rounded once, to nearest, when it is stored.

#include "cuda/simt/simt.h"

namespace rung::cuda {

/// A number widened to fp32; exact.
///@{
__device__ __forceinline__ float to_float(float number) {
  return number;
}
__device__ __forceinline__ float to_float(__half number) {
  return __half2float(number);
}
__device__ __forceinline__ float to_float(__nv_bfloat16 number) {
  return __bfloat162float(number);
}
///@}

/// An fp32 number rounded to T, to nearest, ties to even.
template <typename T>
__device__ __forceinline__ T from_float(float number);
/// As it is.
template <>
__device__ __forceinline__ float from_float<float>(float number) {
  return number;
}
/// To fp16.
template <>
__device__ __forceinline__ __half from_float<__half>(float number) {
  return __float2half_rn(number);
}
/// To bf16.
template <>
__device__ __forceinline__ __nv_bfloat16 from_float<__nv_bfloat16>(float number) {
  return __float2bfloat16_rn(number);
}

}  // namespace rung::cuda

#pragma once

// 16 bytes at a time: the widest load and store that a thread has.

#include <cstdint>
#include <cstring>

#include "cuda/simt/simt.h"

namespace rung::cuda {

/// As many numbers as 16 bytes hold: four of fp32, eight of fp16 or bf16.
template <typename T>
struct Vector16 {
  static constexpr int size = 16 / static_cast<int>(sizeof(T));
  T of[size];
};

/// Loads 16 bytes in one request. @param from  at a multiple of 16 bytes
template <typename T>
__device__ __forceinline__ Vector16<T> load16(const T* from) {
  const float4 bytes = *reinterpret_cast<const float4*>(from);
  Vector16<T> vector;
  memcpy(vector.of, &bytes, sizeof bytes);
  return vector;
}

/// Stores 16 bytes in one request. @param to  at a multiple of 16 bytes
template <typename T>
__device__ __forceinline__ void store16(T* to, const Vector16<T>& vector) {
  float4 bytes;
  memcpy(static_cast<void*>(&bytes), vector.of, sizeof bytes);
  *reinterpret_cast<float4*>(to) = bytes;
}

/// Whether `at` is a multiple of 16 bytes.
__device__ __forceinline__ bool aligned16(const void* at) {
  return reinterpret_cast<std::uintptr_t>(at) % 16 == 0;
}

}  // namespace rung::cuda

#pragma once

// Short rows of numbers that a processor computes with at once, and what products of blocks need of them.
//
// g++ and clang make of an operation on such a row one instruction where the machine has registers that wide, and several
// where it has not. Two things they do not find by themselves; these are written for machines with AVX2, and plainly for
// all others.

#include <cstdint>
#include <cstring>

#ifdef __AVX2__
#include <immintrin.h>
#endif

namespace rung {

using Bytes16 [[gnu::vector_size(16)]] = std::uint8_t;            ///< 16 bytes
using SignedBytes16 [[gnu::vector_size(16)]] = std::int8_t;       ///< 16 bytes with signs
using Shorts16 [[gnu::vector_size(32)]] = std::int16_t;           ///< 16 whole numbers of 16 bits
using Shorts8 [[gnu::vector_size(16)]] = std::int16_t;            ///< 8 of them
using UnsignedShorts16 [[gnu::vector_size(32)]] = std::uint16_t;  ///< the same without signs
using Ints8 [[gnu::vector_size(32)]] = std::int32_t;              ///< 8 whole numbers of 32 bits
using Floats8 [[gnu::vector_size(32)]] = float;                   ///< 8 fp32 numbers

/// 16 numbers from memory, wherever they start.
template <typename Vector16>
Vector16 load16(const void* from) {
  Vector16 numbers;
  std::memcpy(&numbers, from, sizeof numbers);
  return numbers;
}

/// The same numbers in 16 bits.
inline Shorts16 shorts(Bytes16 numbers) {
#ifdef __AVX2__
  return reinterpret_cast<Shorts16>(_mm256_cvtepu8_epi16(reinterpret_cast<__m128i>(numbers)));
#else
  return __builtin_convertvector(numbers, Shorts16);
#endif
}

/// The same numbers in 16 bits.
inline Shorts16 shorts(SignedBytes16 numbers) {
#ifdef __AVX2__
  return reinterpret_cast<Shorts16>(_mm256_cvtepi8_epi16(reinterpret_cast<__m128i>(numbers)));
#else
  return __builtin_convertvector(numbers, Shorts16);
#endif
}

// [pair_products]
/// Number i is a[2 i] · b[2 i] + a[2 i + 1] · b[2 i + 1], exactly.
/// @param a, b  so that each product fits in 16 bits: those of two int8 do
inline Ints8 pair_products(Shorts16 a, Shorts16 b) {
#ifdef __AVX2__
  return reinterpret_cast<Ints8>(
      _mm256_madd_epi16(reinterpret_cast<__m256i>(a), reinterpret_cast<__m256i>(b)));
#else
  // Of two products in 32 bits, a shift to the left and back leaves the first, one to the right the second.
  const auto products = reinterpret_cast<Ints8>(a * b);
  return ((products << 16) >> 16) + (products >> 16);
#endif
}
// [pair_products]

/// The same numbers as fp32, exactly while they are below 2^24.
inline Floats8 floats(Ints8 numbers) {
  return __builtin_convertvector(numbers, Floats8);
}
/// The same numbers as fp32.
inline Floats8 floats(Shorts8 numbers) {
#ifdef __AVX2__
  return floats(reinterpret_cast<Ints8>(_mm256_cvtepi16_epi32(reinterpret_cast<__m128i>(numbers))));
#else
  return __builtin_convertvector(numbers, Floats8);
#endif
}
/// The first 8 of 16 numbers.
inline Shorts8 first_half(Shorts16 numbers) {
  return __builtin_shufflevector(numbers, numbers, 0, 1, 2, 3, 4, 5, 6, 7);
}
/// The last 8 of 16 numbers.
inline Shorts8 second_half(Shorts16 numbers) {
  return __builtin_shufflevector(numbers, numbers, 8, 9, 10, 11, 12, 13, 14, 15);
}

}  // namespace rung

// fp16 and bfloat16 on the executor, against integer arithmetic that knows nothing of floating point.

#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <limits>
#include <random>
#include <vector>

#include "cuda/simt/simt.h"
#include "tests/catch.h"

namespace {

// 128 bits, as both compilers have them.
__extension__ typedef __int128 Integer;
__extension__ typedef unsigned __int128 Unsigned;

/// n · 2^e, exactly.
struct Exact {
  Integer n;
  int e;
};

int bit_length(Unsigned n) {
  int length = 0;
  for (; n != 0; n >>= 1) ++length;
  return length;
}

/// The number next to x, ties to even, among those of `precision` bits that are multiples of 2^last and less than
/// 2^(largest + 1).
double nearest(Exact x, int precision, int last, int largest) {
  if (x.n == 0) return 0;
  const double sign = x.n < 0 ? -1 : 1;
  auto n = static_cast<Unsigned>(x.n < 0 ? -x.n : x.n);
  const int unit = std::max(x.e + bit_length(n) - precision, last);
  if (const int drop = unit - x.e; drop > 127) {
    n = 0;
  } else if (drop > 0) {
    const auto rest = n & ((static_cast<Unsigned>(1) << drop) - 1);
    const auto half_unit = static_cast<Unsigned>(1) << (drop - 1);
    n >>= drop;
    if (rest > half_unit || (rest == half_unit && (n & 1) != 0)) ++n;
  } else {
    n <<= -drop;
  }
  const double rounded = std::ldexp(static_cast<double>(n), unit);
  return sign * (rounded >= std::ldexp(1.0, largest + 1) ? std::numeric_limits<double>::infinity() : rounded);
}

/// x as an integer times a power of two.
Exact exact(double x) {
  int e = 0;
  const double m = std::frexp(x, &e);
  return {static_cast<Integer>(std::ldexp(m, 53)), e - 53};
}

/// a + b. Where one is too far below the other to be held with it, a single bit far below stands for it.
Exact sum(Exact a, Exact b) {
  if (a.n == 0) return b;
  if (b.n == 0) return a;
  const auto shrink = [](Exact& x) {  // no trailing zeros
    while ((x.n & 1) == 0) x.n /= 2, ++x.e;
  };
  shrink(a);
  shrink(b);
  if (a.e < b.e) std::swap(a, b);
  if (a.e - b.e > 80) return {(a.n << 70) + (b.n < 0 ? -1 : 1), a.e - 70};
  return {(a.n << (a.e - b.e)) + b.n, b.e};
}

Exact product(Exact a, Exact b) {
  return {a.n * b.n, a.e + b.e};
}

/// a / b, the last bit set where it goes on.
Exact quotient(Exact a, Exact b) {
  const Integer scaled = a.n << 60;
  return {scaled / b.n * 2 + (scaled % b.n != 0 ? (((a.n < 0) != (b.n < 0)) ? -1 : 1) : 0),
          a.e - 60 - b.e - 1};
}

struct HalfFormat {
  using T = __half;
  static constexpr int precision = 11, last = -24, largest = 15;
};
struct Bfloat16Format {
  using T = __nv_bfloat16;
  static constexpr int precision = 8, last = -133, largest = 127;
};

template <typename Format>
double rounded(Exact x) {
  return nearest(x, Format::precision, Format::last, Format::largest);
}

template <typename T>
double value(T x) {
  return static_cast<double>(static_cast<float>(x));
}

template <typename T>
Exact exact_of(T x) {  // at most 11 bits: products of two and sums of those stay below 2^127
  Exact e = exact(value(x));
  while (e.n != 0 && (e.n & 1) == 0) e.n /= 2, ++e.e;
  return e;
}

/// Numbers at every exponent, with mantissas at the edges, of both signs.
template <typename Format>
std::vector<typename Format::T> hard_numbers(int step) {
  std::vector<typename Format::T> numbers;
  const int mantissa_bits = Format::precision - 1, exponents = 1 << (15 - mantissa_bits);
  const unsigned all = (1u << mantissa_bits) - 1;
  for (int e = 0; e < exponents - 1; e += e < 4 || e > exponents - 6 ? 1 : step) {
    for (const unsigned m : {0u, 1u, 2u, 3u, all / 2, all / 2 + 1, all - 1, all}) {
      for (const unsigned sign : {0u, 0x8000u}) {
        const auto bits = static_cast<std::uint16_t>(sign | static_cast<unsigned>(e) << mantissa_bits | m);
        numbers.push_back(Format::T::from_bits(bits));
      }
    }
  }
  return numbers;
}

}  // namespace

TEMPLATE_TEST_CASE("simt: conversion to 16 bits rounds once, to nearest even", "[simt]", HalfFormat,
                   Bfloat16Format) {
  using T = typename TestType::T;
  int wrong = 0, cut_would_be_wrong = 0;
  const auto check_float = [&](float x) {
    if (!std::isfinite(x)) return;
    wrong += value(T(x)) != rounded<TestType>(exact(x));
    wrong += value(T(static_cast<double>(x))) != rounded<TestType>(exact(x));
    wrong += std::signbit(value(T(x))) != std::signbit(x);
  };
  for (unsigned bits = 0; bits < 0x10000; ++bits) {
    const T h = T::from_bits(static_cast<std::uint16_t>(bits));
    if (!std::isfinite(value(h))) continue;
    const auto x = static_cast<float>(h);
    wrong += T(x).bits != bits;
    // The middle to the next number away from zero, and its neighbours.
    const double next = bits % 0x8000 == 0 ? std::ldexp(bits == 0 ? 1 : -1, TestType::last)
                                           : value(T::from_bits(static_cast<std::uint16_t>(bits + 1)));
    if (!std::isfinite(next)) continue;
    const double middle = value(h) + (next - value(h)) / 2;
    for (const double y : {middle, std::nextafter(middle, next), std::nextafter(middle, value(h))}) {
      wrong += value(T(y)) != rounded<TestType>(exact(y));
    }
    const auto f = static_cast<float>(middle);
    for (const float y : {f, std::nextafterf(f, 1e30f), std::nextafterf(f, -1e30f)}) check_float(y);
    cut_would_be_wrong += rounded<TestType>(exact(std::nextafter(middle, next))) != value(h);
  }
  std::mt19937 generator(5);
  for (int i = 0; i < 200000; ++i) check_float(std::bit_cast<float>(static_cast<std::uint32_t>(generator())));
  CHECK(wrong == 0);
  CHECK(cut_would_be_wrong > 60000);
}

TEMPLATE_TEST_CASE("simt: infinities, NaN and signed zeros in 16 bits", "[simt]", HalfFormat,
                   Bfloat16Format) {
  using T = typename TestType::T;
  const float infinity = std::numeric_limits<float>::infinity();
  const double largest =
      std::ldexp(2 - std::ldexp(1.0, 1 - TestType::precision), TestType::largest);  // the largest finite one
  const double overflow =
      std::ldexp(2 - std::ldexp(1.0, -TestType::precision), TestType::largest);  // halfway on
  CHECK(value(T(largest)) == largest);
  CHECK(value(T(std::nextafter(overflow, 0.0))) == largest);
  CHECK(std::isinf(value(T(overflow))));
  CHECK(value(T(-infinity)) == -infinity);
  CHECK(T(std::nanf("1")).bits == 0x7fff);
  CHECK(T(-std::nanf("77")).bits == 0x7fff);
  CHECK(T(std::nan("1")).bits == 0x7fff);
  CHECK(std::isnan(value(T::from_bits(0x7fff))));
  CHECK(T(-0.0f).bits == 0x8000);
  CHECK(std::signbit(value(T::from_bits(0x8000))));
  const T zero(0.0f), minus_zero(-0.0f), one(1.0f), big(largest);
  CHECK((zero + minus_zero).bits == 0);
  CHECK((minus_zero * one).bits == 0x8000);
  CHECK(__hfma(minus_zero, one, minus_zero).bits == 0x8000);
  CHECK(__hfma(one, one, T(-1.0f)).bits == 0);
  CHECK(std::isinf(value(big + big)));
  CHECK(std::isnan(value(T(infinity) - T(infinity))));
  CHECK(std::isnan(value(__hfma(T(infinity), zero, one))));
  CHECK(value(__hfma(big, big, T(-infinity))) == -infinity);
  CHECK(std::isinf(value(one / zero)));
  const T nan = T::from_bits(0x7fff);
  CHECK(__hmax(nan, one).bits == one.bits);
  CHECK(__hmax(one, nan).bits == one.bits);
  CHECK(__hmin(nan, one).bits == one.bits);
  CHECK(__hmax(T(-2.0f), one).bits == one.bits);
  CHECK(__hmin(T(-2.0f), one).bits == T(-2.0f).bits);
  CHECK_FALSE(nan == nan);
  CHECK(nan != nan);
  CHECK(zero == minus_zero);
  CHECK(__hneg(one).bits == T(-1.0f).bits);
  CHECK(__habs(T(-3.0f)).bits == T(3.0f).bits);
}

TEMPLATE_TEST_CASE("simt: sums, products and quotients in 16 bits are rounded once", "[simt]", HalfFormat,
                   Bfloat16Format) {
  using T = typename TestType::T;
  const auto numbers = hard_numbers<TestType>(TestType::precision == 11 ? 1 : 9);
  int wrong = 0;
  for (const T a : numbers) {
    const Exact ea = exact_of(a);
    for (const T b : numbers) {
      const Exact eb = exact_of(b);
      wrong += value(a + b) != rounded<TestType>(sum(ea, eb));
      wrong += value(a - b) != rounded<TestType>(sum(ea, {-eb.n, eb.e}));
      wrong += value(a * b) != rounded<TestType>(product(ea, eb));
      if (eb.n != 0) wrong += value(a / b) != rounded<TestType>(quotient(ea, eb));
    }
  }
  CHECK(wrong == 0);
}

TEMPLATE_TEST_CASE("simt: a fused multiply-add in 16 bits is rounded once", "[simt]", HalfFormat,
                   Bfloat16Format) {
  using T = typename TestType::T;
  int wrong = 0, through_float = 0, through_double = 0, twice = 0;
  const auto check = [&](T a, T b, T c) {
    if (!std::isfinite(value(a)) || !std::isfinite(value(b)) || !std::isfinite(value(c))) return;
    const double right = rounded<TestType>(sum(product(exact_of(a), exact_of(b)), exact_of(c)));
    wrong += value(__hfma(a, b, c)) != right;
    // Plausible ways that are wrong: the cases must tell them from the right one.
    through_float += value(T(std::fmaf(a, b, c))) != right;
    through_double += value(T(value(a) * value(b) + value(c))) != right;
    twice += value(a * b + c) != right;
  };
  const auto numbers = hard_numbers<TestType>(TestType::precision == 11 ? 5 : 50);
  for (const T a : numbers) {
    for (const T b : numbers) {
      for (const T c : numbers) check(a, b, c);
    }
  }
  // Products in the middle between two numbers, and something tiny added.
  std::mt19937 generator(3);
  const auto any = [&] { return T::from_bits(static_cast<std::uint16_t>(generator())); };
  for (int i = 0; i < 200000; ++i) {
    const T a = any(), b = any(), c = any();
    check(a, b, c);
    const T tiny(std::ldexp(static_cast<float>(generator() % 7) - 3, TestType::last));
    check(a, b, tiny);
    check(a, b, T(-value(a * b)));
  }
  CHECK(wrong == 0);
  CHECK(through_float > 0);
  CHECK(twice > 0);
  // For halves a double is enough: a sum that it cannot hold is a half and something less than a 2^-30th of it.
  CHECK((through_double > 0) == (TestType::precision == 8));
}

TEST_CASE("simt: pairs of 16-bit numbers", "[simt]") {
  const __half2 a(1.5f, -2.0f), b(0.25f, 3.0f), c(10.0f, 20.0f);
  const auto is = [](__half2 h, float x, float y) { return float(h.x) == x && float(h.y) == y; };
  CHECK(is(__hadd2(a, b), 1.75f, 1.0f));
  CHECK(is(__hsub2(a, b), 1.25f, -5.0f));
  CHECK(is(__hmul2(a, b), 0.375f, -6.0f));
  CHECK(is(__hfma2(a, b, c), 10.375f, 14.0f));
  CHECK(is(__h2div(c, b), 40.0f, 20.0f / 3.0f * 0 + float(__half(20.0f / 3.0f))));
  CHECK(is(__hmax2(a, b), 1.5f, 3.0f));
  CHECK(is(__floats2half2_rn(1, 2), 1, 2));
  CHECK(is(__half2half2(__half(7.0f)), 7, 7));
  CHECK(__half22float2(a).x == 1.5f);
  CHECK(__half22float2(a).y == -2.0f);
  CHECK(__low2float(a) == 1.5f);
  CHECK(__high2float(a) == -2.0f);
  CHECK(sizeof(__half2) == 4);
  // The lower half of the word is x, as registers of mma want it.
  CHECK(std::bit_cast<std::uint16_t>(a.x) == (*reinterpret_cast<const unsigned*>(&a) & 0xffff));
  const __nv_bfloat162 e = __floats2bfloat162_rn(1.5f, -2.0f);
  CHECK(float(__hfma2(e, e, e).x) == 3.75f);
  CHECK(float(__hfma2(e, e, e).y) == 2.0f);
  CHECK(__bfloat1622float2(e).y == -2.0f);
}

TEST_CASE("simt: integer and bit intrinsics", "[simt]") {
  CHECK(__popc(0xf0f0u) == 8);
  CHECK(__ffs(0) == 0);
  CHECK(__ffs(8) == 4);
  CHECK(__clz(0) == 32);
  CHECK(__clz(1) == 31);
  CHECK(__brev(1u) == 0x80000000u);
  CHECK(__dp4a(0x01ff7f80, 0x02030405, 100) == 100 + 1 * 2 + -1 * 3 + 127 * 4 + -128 * 5);
  CHECK(__float2int_rn(2.5f) == 2);
  CHECK(__float2int_rn(-3.5f) == -4);
  CHECK(__float_as_uint(1.0f) == 0x3f800000u);
  CHECK(__int_as_float(0x40000000) == 2.0f);
  CHECK(rsqrtf(4.0f) == 0.5f);
}

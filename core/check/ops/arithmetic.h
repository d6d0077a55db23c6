#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <span>
#include <vector>

#include "core/check/case.h"

namespace rung::check {

/// The numbers of an array without gaps, in the arithmetic that a variant computes with.
template <typename Real>
std::vector<Real> numbers(const Array& array) {
  std::vector<Real> all;
  all.reserve(static_cast<std::size_t>(array.rows() * array.columns()));
  for (std::int64_t r = 0; r < array.rows(); ++r) {
    for (const float x : array.row(r)) all.push_back(static_cast<Real>(x));
  }
  return all;
}

/// The numbers of an array as a kernel finds them that takes its rows to be `stride` numbers apart. What lies
/// between rows and behind the last one holds NaN.
template <typename Real>
std::vector<Real> numbers_at_stride(const Array& array, std::int64_t stride) {
  const std::int64_t rows = array.rows(), columns = array.columns();
  const auto count = static_cast<std::int64_t>(array.values.size());
  std::vector<Real> all(static_cast<std::size_t>(rows * columns), std::numeric_limits<Real>::quiet_NaN());
  for (std::int64_t r = 0; r < rows; ++r) {
    const std::int64_t first = std::min(r * stride, count);
    std::copy_n(array.values.begin() + first, std::min(columns, count - first), all.begin() + r * columns);
  }
  return all;
}

/// Results as they are found, rows `stride` apart, after a kernel has written them `written` apart: NaN where
/// nothing was written.
template <typename Real>
std::vector<Real> written_at_stride(std::span<const Real> results, std::int64_t columns, std::int64_t written,
                                    std::int64_t stride) {
  const std::int64_t rows = static_cast<std::int64_t>(results.size()) / columns;
  std::vector<Real> memory(static_cast<std::size_t>(rows * std::max(written, stride)),
                           std::numeric_limits<Real>::quiet_NaN());
  for (std::int64_t r = 0; r < rows; ++r) {
    for (std::int64_t c = 0; c < columns; ++c) memory[r * written + c] = results[r * columns + c];
  }
  std::vector<Real> found;
  found.reserve(results.size());
  for (std::int64_t r = 0; r < rows; ++r) {
    for (std::int64_t c = 0; c < columns; ++c) found.push_back(memory[r * stride + c]);
  }
  return found;
}

/// Whether `value` is so near the middle between two numbers of `type` that an fp32 rounding before may
/// decide.
inline bool near_tie(NumberType type, double value) {
  return round_to(type, value * (1 - 0x1p-18)) != round_to(type, value * (1 + 0x1p-18));
}

/// What a store to `type` leaves of an exact value: infinity beyond the type's range, else the value itself,
/// whose rounding the budget knows.
inline double within_range(NumberType type, double value) {
  const auto stored = static_cast<double>(round_to(type, value));
  return std::isinf(stored) ? stored : value;
}

/// How a sum is ordered. All are right; their errors differ.
enum class Order {
  sequential,
  reversed,
  pairwise,  ///< halves, recursively
  chunks,    ///< sixteen running sums side by side, as SIMD lanes or warps do
  fma,       ///< sequential; products are not rounded before they are added
};

/// Σ a(i)·b(i) for i in [first, last), in `Real` arithmetic.
template <typename Real, typename A, typename B>
Real dot(Order order, std::int64_t first, std::int64_t last, const A& a, const B& b) {
  Real sum = 0;
  switch (order) {
    case Order::sequential:
      for (std::int64_t i = first; i < last; ++i) sum += a(i) * b(i);
      return sum;
    case Order::reversed:
      for (std::int64_t i = last; i-- > first;) sum += a(i) * b(i);
      return sum;
    case Order::fma:
      for (std::int64_t i = first; i < last; ++i) sum = std::fma(a(i), b(i), sum);
      return sum;
    case Order::chunks: {
      constexpr std::int64_t lanes = 16;
      Real lane[lanes] = {};
      for (std::int64_t i = first; i < last; ++i) lane[i % lanes] += a(i) * b(i);
      for (const Real partial : lane) sum += partial;
      return sum;
    }
    case Order::pairwise: {
      if (last - first <= 2) return dot<Real>(Order::sequential, first, last, a, b);
      if (last - first == 8) {  // the same sums, without a call for each
        const auto two = [&](std::int64_t i) { return dot<Real>(Order::sequential, i, i + 2, a, b); };
        return (two(first) + two(first + 2)) + (two(first + 4) + two(first + 6));
      }
      const std::int64_t middle = first + (last - first) / 2;
      return dot<Real>(order, first, middle, a, b) + dot<Real>(order, middle, last, a, b);
    }
  }
  return sum;
}

/// Numbers computed in fp32 or double, rounded to the type of the case's outputs.
template <typename Real>
std::vector<double> rounded(NumberType type, std::span<const Real> values) {
  std::vector<double> results;
  results.reserve(values.size());
  for (const Real value : values)
    results.push_back(static_cast<double>(round_to(type, static_cast<double>(value))));
  return results;
}

}  // namespace rung::check

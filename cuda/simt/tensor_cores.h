#pragma once

namespace rung::simt {

/// How a tensor core's products become a sum in fp32. Products of halves and of bfloat16 are exact.
enum class Accumulation {
  /// d = ((c + a₀b₀) + a₁b₁) + …, k ascending, each sum rounded to nearest. What a GPU computes differs from it by its own
  /// order, and is covered by the error budget.
  nearest,
  /// As measured on an A100 by Fasi, Higham, Mikaitis and Pranesh (Numerical behavior of NVIDIA tensor cores, PeerJ Computer
  /// Science 7:e330, 2021): eight products and the sum so far are aligned to the largest of them, cut after 24 bits and one
  /// more, added exactly, and the result is cut to fp32. Its error is up to twice as large, and always toward zero.
  truncate,
};

/// What mma and wmma do now.
Accumulation accumulation();
/// Sets it. Not while a launch runs.
void set_accumulation(Accumulation accumulation);

namespace detail {

/// d[m, n] += a[m, k] · b[k, n], row-major, as `accumulation()` says.
void multiply_add(float* d, const float* a, const float* b, int m, int n, int k);

}  // namespace detail
}  // namespace rung::simt

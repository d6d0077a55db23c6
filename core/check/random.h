#pragma once

#include <cstdint>

namespace rung::check {

/// A small generator whose stream is the same on every platform (SplitMix64: Steele, Lea and Flood, "Fast
/// Splittable Pseudorandom Number Generators", OOPSLA 2014).
class Random {
 public:
  /// The same seed gives the same numbers.
  explicit Random(std::uint64_t seed) : state_(seed) {}

  /// The next 64 bits.
  std::uint64_t bits();
  /// In [0, 1), a multiple of 2^-24.
  double uniform();
  /// N(0, 1) as the sum of twelve uniforms minus 6: integer arithmetic only, where log and cos of Box and
  /// Muller's method would differ between C libraries. Ends at ±6; multiples of 2^-21.
  double normal();
  /// 0 … n − 1.
  std::int64_t below(std::int64_t n);

 private:
  std::uint64_t state_;
};

}  // namespace rung::check

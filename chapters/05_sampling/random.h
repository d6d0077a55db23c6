#pragma once

#include <cstdint>
#include <random>

namespace rung {

// [random]
/// Seeded random numbers with the same stream on every platform: the standard fixes what mt19937_64 gives,
/// but not what its distributions make of it, so uniform() is written here, in exact arithmetic.
class Random {
 public:
  /// The same seed gives the same numbers.
  explicit Random(std::uint64_t seed) : engine_(seed) {}
  /// Uniform in [0, 1), a multiple of 2^-53.
  double uniform() { return static_cast<double>(engine_() >> 11) * 0x1p-53; }

 private:
  std::mt19937_64 engine_;
};
// [random]

}  // namespace rung

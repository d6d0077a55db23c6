#include "core/check/random.h"

namespace rung::check {

std::uint64_t Random::bits() {
  state_ += 0x9e3779b97f4a7c15U;
  std::uint64_t z = state_;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9U;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebU;
  return z ^ (z >> 31);
}

double Random::uniform() {
  return static_cast<double>(bits() >> 40) * 0x1p-24;
}

double Random::normal() {
  constexpr std::uint64_t mask = (1U << 21) - 1;
  std::uint64_t sum = 0;
  for (int i = 0; i < 4; ++i) {
    const std::uint64_t b = bits();  // three uniforms of 21 bits each
    sum += (b & mask) + ((b >> 21) & mask) + ((b >> 42) & mask);
  }
  return static_cast<double>(sum) * 0x1p-21 - 6;
}

std::int64_t Random::below(std::int64_t n) {
  return static_cast<std::int64_t>(bits() % static_cast<std::uint64_t>(n));
}

}  // namespace rung::check

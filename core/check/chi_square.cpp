#include "core/check/chi_square.h"

#include <cmath>
#include <cstddef>
#include <limits>
#include <numbers>

namespace rung::check {

// [chi_square]
double chi_square(std::span<const std::int64_t> counts, std::span<const double> probabilities) {
  double draws = 0;
  for (const std::int64_t count : counts) draws += static_cast<double>(count);
  double statistic = 0;
  for (std::size_t token = 0; token < counts.size(); ++token) {
    const double expected = draws * probabilities[token];
    const double apart = static_cast<double>(counts[token]) - expected;
    if (apart == 0) continue;  // also 0 of 0
    if (expected == 0) return std::numeric_limits<double>::infinity();
    statistic += apart * apart / expected;
  }
  return statistic;
}
// [chi_square]

double chi_square_tail(double statistic, int degrees) {
  if (std::isinf(statistic)) return 0;
  const double half = statistic / 2;
  // From n degrees to n + 2, the tail grows by half^(n/2) e^-half / Gamma(n/2 + 1).
  double n = degrees % 2 == 0 ? 2 : 1;
  double tail = degrees % 2 == 0 ? std::exp(-half) : std::erfc(std::sqrt(half));
  double more = degrees % 2 == 0 ? half * std::exp(-half)
                                 : 2 * std::sqrt(half) * std::exp(-half) * std::numbers::inv_sqrtpi;
  for (; n < degrees; n += 2) {
    tail += more;
    more *= half / (n / 2 + 1);
  }
  return tail;
}

}  // namespace rung::check

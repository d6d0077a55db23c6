#include "core/measure/clock.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <vector>

#include "core/error.h"

namespace rung::measure {

double quantile(std::span<const double> samples, double q) {
  if (samples.empty()) throw Error(ErrorKind::usage, "quantile: expected at least one sample, found none");
  if (!(q >= 0 && q <= 1)) throw Error(ErrorKind::usage, "quantile: expected q in [0, 1], found {}", q);
  std::vector<double> sorted(samples.begin(), samples.end());
  std::sort(sorted.begin(), sorted.end());
  const double rank = q * static_cast<double>(sorted.size() - 1);
  const auto below = static_cast<std::size_t>(std::floor(rank));
  const std::size_t above = std::min(below + 1, sorted.size() - 1);
  return sorted[below] + (rank - static_cast<double>(below)) * (sorted[above] - sorted[below]);
}

double median(std::span<const double> samples) {
  return quantile(samples, 0.5);
}

}  // namespace rung::measure

#include "core/oracle/rms_norm.h"

#include <cmath>

#include "core/oracle/sizes.h"

namespace rung::oracle {

void rms_norm(std::span<const double> x, std::span<const double> weight, std::int64_t rows, std::int64_t n,
              double eps, std::span<double> y) {
  require_size("rms_norm", "x", x.size(), {rows, n});
  require_size("rms_norm", "weight", weight.size(), {n});
  require_size("rms_norm", "y", y.size(), {rows, n});
  for (std::int64_t r = 0; r < rows; ++r) {
    double sum = 0;
    for (std::int64_t i = 0; i < n; ++i) sum += x[r * n + i] * x[r * n + i];
    const double root = std::sqrt(sum / static_cast<double>(n) + eps);
    for (std::int64_t i = 0; i < n; ++i) y[r * n + i] = weight[i] * x[r * n + i] / root;
  }
}

}  // namespace rung::oracle

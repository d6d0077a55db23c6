#include "core/oracle/softmax.h"

#include <cmath>
#include <limits>

#include "core/oracle/sizes.h"

namespace rung::oracle {

void softmax(std::span<const double> x, std::int64_t rows, std::int64_t n, std::span<double> y) {
  require_size("softmax", "x", x.size(), {rows, n});
  require_size("softmax", "y", y.size(), {rows, n});
  constexpr double masked = -std::numeric_limits<double>::infinity();
  for (std::int64_t r = 0; r < rows; ++r) {
    double largest = masked;
    for (std::int64_t i = 0; i < n; ++i) largest = std::max(largest, x[r * n + i]);
    double sum = 0;
    for (std::int64_t i = 0; i < n; ++i) {
      // −∞ − −∞ is not a number, so a masked entry is never handed to exp.
      const double e = x[r * n + i] == masked ? 0 : std::exp(x[r * n + i] - largest);
      y[r * n + i] = e;
      sum += e;
    }
    for (std::int64_t i = 0; i < n; ++i) y[r * n + i] = sum == 0 ? 0 : y[r * n + i] / sum;
  }
}

}  // namespace rung::oracle

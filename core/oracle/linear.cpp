#include "core/oracle/linear.h"

#include "core/oracle/sizes.h"

namespace rung::oracle {

void linear(std::span<const double> x, std::span<const double> w, std::int64_t M, std::int64_t N,
            std::int64_t K, std::span<double> y) {
  require_size("linear", "x", x.size(), {M, K});
  require_size("linear", "w", w.size(), {N, K});
  require_size("linear", "y", y.size(), {M, N});
  for (std::int64_t m = 0; m < M; ++m) {
    for (std::int64_t n = 0; n < N; ++n) {
      double sum = 0;
      for (std::int64_t k = 0; k < K; ++k) sum += x[m * K + k] * w[n * K + k];
      y[m * N + n] = sum;
    }
  }
}

}  // namespace rung::oracle

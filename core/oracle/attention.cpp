#include "core/oracle/attention.h"

#include <cmath>
#include <limits>
#include <vector>

#include "core/error.h"
#include "core/oracle/sizes.h"

namespace rung::oracle {

bool AttentionMask::sees(std::int64_t t, std::int64_t j) const {
  const std::int64_t position = first_position + t;
  if (causal && j > position) return false;
  return !window || j > position - *window;
}

void attention(const AttentionShape& shape, const AttentionMask& mask, double scale,
               std::span<const double> q, std::span<const double> k, std::span<const double> v,
               std::span<double> out, std::span<double> lse) {
  const auto [T, S, H, G, D] = shape;
  if (G <= 0 || H % G != 0) {
    throw Error(ErrorKind::usage, "oracle attention: {} query heads cannot share {} key/value heads", H, G);
  }
  require_size("attention", "q", q.size(), {T, H, D});
  require_size("attention", "k", k.size(), {S, G, D});
  require_size("attention", "v", v.size(), {S, G, D});
  require_size("attention", "out", out.size(), {T, H, D});
  if (!lse.empty()) require_size("attention", "lse", lse.size(), {T, H});

  std::vector<double> score(static_cast<std::size_t>(S));
  for (std::int64_t t = 0; t < T; ++t) {
    for (std::int64_t h = 0; h < H; ++h) {
      const std::int64_t g = h / (H / G);
      const double* query = &q[(t * H + h) * D];
      double* result = &out[(t * H + h) * D];

      double largest = -std::numeric_limits<double>::infinity();
      for (std::int64_t j = 0; j < S; ++j) {
        if (!mask.sees(t, j)) continue;
        double dot = 0;
        for (std::int64_t d = 0; d < D; ++d) dot += query[d] * k[(j * G + g) * D + d];
        score[j] = scale * dot;
        largest = std::max(largest, score[j]);
      }

      double sum = 0;
      for (std::int64_t d = 0; d < D; ++d) result[d] = 0;
      for (std::int64_t j = 0; j < S; ++j) {
        if (!mask.sees(t, j)) continue;
        const double p = std::exp(score[j] - largest);
        sum += p;
        for (std::int64_t d = 0; d < D; ++d) result[d] += p * v[(j * G + g) * D + d];
      }
      // No key seen: sum is 0, the result stays 0, and log 0 + −∞ is −∞.
      if (sum > 0) {
        for (std::int64_t d = 0; d < D; ++d) result[d] /= sum;
      }
      if (!lse.empty()) lse[t * H + h] = std::log(sum) + largest;
    }
  }
}

}  // namespace rung::oracle

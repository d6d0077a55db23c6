#include "core/oracle/sizing.h"

#include <algorithm>
#include <cstddef>

namespace rung::oracle {
namespace {

/// Ways to choose k of n.
double choose(std::int64_t n, std::int64_t k) {
  if (k < 0 || k > n) return 0;
  double ways = 1;
  for (std::int64_t i = 0; i < k; ++i) ways = ways * static_cast<double>(n - i) / static_cast<double>(i + 1);
  return ways;
}

}  // namespace

std::vector<SizedMatrix> matrices_of(const SizedShape& shape) {
  using Part = SizedMatrix::Part;
  const std::int64_t q = shape.heads * shape.head_dim, kv = shape.kv_heads * shape.head_dim;
  std::vector<SizedMatrix> all;
  all.push_back({Part::embedding, shape.vocab, shape.hidden});
  for (std::int64_t layer = 0; layer < shape.layers; ++layer) {
    all.push_back({Part::attention, q, shape.hidden});
    all.push_back({Part::attention, kv, shape.hidden});
    all.push_back({Part::attention, kv, shape.hidden});
    all.push_back({Part::attention, shape.hidden, q});
    if (shape.experts > 0) all.push_back({Part::router, shape.experts, shape.hidden});
    for (std::int64_t e = 0; e < std::max<std::int64_t>(shape.experts, 1); ++e) {
      const std::int64_t expert = shape.experts > 0 ? e : -1;
      all.push_back({Part::feed_forward, shape.feed_forward, shape.hidden, expert});
      all.push_back({Part::feed_forward, shape.feed_forward, shape.hidden, expert});
      all.push_back({Part::feed_forward, shape.hidden, shape.feed_forward, expert});
    }
  }
  if (!shape.tied) all.push_back({Part::output, shape.vocab, shape.hidden});
  return all;
}

double touched_experts(std::int64_t experts, std::int64_t used, std::int64_t rows) {
  std::vector<double> chance(static_cast<std::size_t>(experts + 1));
  chance[0] = 1;
  for (std::int64_t row = 0; row < rows; ++row) {
    std::vector<double> after(chance.size());
    for (std::int64_t touched = 0; touched <= experts; ++touched) {
      for (std::int64_t more = 0; more <= used && touched + more <= experts; ++more) {
        const double share =
            choose(experts - touched, more) * choose(touched, used - more) / choose(experts, used);
        after[static_cast<std::size_t>(touched + more)] += chance[static_cast<std::size_t>(touched)] * share;
      }
    }
    chance = after;
  }
  double mean = 0;
  for (std::int64_t touched = 0; touched <= experts; ++touched)
    mean += static_cast<double>(touched) * chance[static_cast<std::size_t>(touched)];
  return mean;
}

}  // namespace rung::oracle

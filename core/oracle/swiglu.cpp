#include "core/oracle/swiglu.h"

#include <cmath>
#include <cstdint>

#include "core/oracle/sizes.h"

namespace rung::oracle {

void swiglu(std::span<const double> gate, std::span<const double> up, std::span<double> y) {
  const auto n = static_cast<std::int64_t>(gate.size());
  require_size("swiglu", "up", up.size(), {n});
  require_size("swiglu", "y", y.size(), {n});
  for (std::int64_t i = 0; i < n; ++i) y[i] = gate[i] / (1 + std::exp(-gate[i])) * up[i];
}

}  // namespace rung::oracle

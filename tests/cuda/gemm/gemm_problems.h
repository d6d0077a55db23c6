#pragma once

// The op `linear` on shapes of our choice.

#include <cstdint>
#include <vector>

#include <fmt/format.h>

#include "core/check/inputs.h"
#include "core/check/op.h"
#include "core/check/ops/ops.h"

namespace rung::cuda {

/// M, N, K and what the rows of x and w are longer than K.
struct LinearShape {
  std::int64_t m, n, k, x_gap, w_gap;
};

inline check::Problem drawn_problem(const LinearShape& shape) {
  check::Problem problem;
  problem.description =
      fmt::format("M={} N={} K={}, gaps {} {}", shape.m, shape.n, shape.k, shape.x_gap, shape.w_gap);
  problem.draws = 1;
  problem.normal = true;
  problem.draw = [=](check::NumberType type, check::Random& random) {
    check::Case drawn;
    drawn.params = {{"M", static_cast<double>(shape.m)},
                    {"N", static_cast<double>(shape.n)},
                    {"K", static_cast<double>(shape.k)}};
    const auto normal = [&random](std::int64_t, std::int64_t) { return random.normal(); };
    drawn.inputs = {check::fill_array(type, "x", {shape.m, shape.k}, normal, shape.x_gap),
                    check::fill_array(type, "w", {shape.n, shape.k}, normal, shape.w_gap)};
    drawn.outputs = {check::output("y", {shape.m, shape.n}, 0)};
    return drawn;
  };
  return problem;
}

/// The op with other problems.
inline check::Op linear_with(const std::vector<LinearShape>& shapes) {
  check::Op op = check::linear_op();
  op.problems.clear();
  op.problems.reserve(shapes.size());
  for (const LinearShape& shape : shapes) op.problems.push_back(drawn_problem(shape));
  return op;
}

}  // namespace rung::cuda

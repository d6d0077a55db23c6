// Exercise 9.1: which experts a row goes to, and with which weights. What the two functions must do stands in
// chapters/09_mixture_of_experts/routing.h.
//
// This file takes the place of chapters/09_mixture_of_experts/routing.cpp, so it must define what that one does.
// empty_routing and top_k_then_softmax are given.

#include "chapters/09_mixture_of_experts/routing.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "chapters/03_attention/softmax.h"
#include "core/error.h"

namespace rung {

// Given.
Routing empty_routing(std::int64_t rows, std::int64_t experts, std::int64_t used) {
  if (used < 1 || used > experts) {
    throw Error(ErrorKind::usage,
                "a router of {} experts cannot choose {} of them; at least 1 and at most all are chosen",
                experts, used);
  }
  const auto places = static_cast<std::size_t>(rows * used);
  return {.rows = rows,
          .experts = experts,
          .used = used,
          .chosen = std::vector<std::int32_t>(places),
          .weights = std::vector<float>(places)};
}

void top_k(std::span<const float> scores, std::span<std::int32_t> chosen) {
  throw Error(ErrorKind::bad_input,
              "top_k is not written yet: chapters/09_mixture_of_experts/exercises/README.md, exercise 9.1");
}

Routing softmax_then_top_k(const ConstMatrixView& scores, std::int64_t used, bool renormalize) {
  throw Error(ErrorKind::bad_input,
              "softmax_then_top_k is not written yet: chapters/09_mixture_of_experts/exercises/README.md, "
              "exercise 9.1");
}

// Given.
Routing top_k_then_softmax(const ConstMatrixView& scores, std::int64_t used) {
  Routing routing = empty_routing(scores.rows(), scores.cols(), used);
  for (Eigen::Index t = 0; t < scores.rows(); ++t) {
    const auto place = static_cast<std::size_t>(t * used);
    const std::span chosen(&routing.chosen[place], static_cast<std::size_t>(used));
    top_k({scores.row(t).data(), static_cast<std::size_t>(scores.cols())}, chosen);
    Eigen::RowVectorXf kept(used);
    for (Eigen::Index i = 0; i < used; ++i) kept[i] = scores(t, chosen[static_cast<std::size_t>(i)]);
    softmax(kept);
    std::copy_n(kept.data(), used, &routing.weights[place]);
  }
  return routing;
}

}  // namespace rung

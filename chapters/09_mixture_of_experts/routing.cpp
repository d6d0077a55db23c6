#include "chapters/09_mixture_of_experts/routing.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "chapters/03_attention/softmax.h"
#include "core/error.h"

namespace rung {

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
  for (std::size_t e = 0; e < scores.size(); ++e) {
    // With a NaN among them no order is right, and the sort below may do anything.
    if (!std::isfinite(scores[e]))
      throw Error(
          ErrorKind::bad_input,
          "router: the score of expert {} is {}, no finite number; are the weights of this model whole?", e,
          scores[e]);
  }
  std::vector<std::int32_t> order(scores.size());
  std::iota(order.begin(), order.end(), 0);
  const auto before = [&](std::int32_t a, std::int32_t b) {
    const float of_a = scores[static_cast<std::size_t>(a)], of_b = scores[static_cast<std::size_t>(b)];
    return of_a > of_b || (of_a == of_b && a < b);
  };
  std::partial_sort_copy(order.begin(), order.end(), chosen.begin(), chosen.end(), before);
}

Routing softmax_then_top_k(const ConstMatrixView& scores, std::int64_t used, bool renormalize) {
  Routing routing = empty_routing(scores.rows(), scores.cols(), used);
  for (Eigen::Index t = 0; t < scores.rows(); ++t) {
    const auto place = static_cast<std::size_t>(t * used);
    const std::span chosen(&routing.chosen[place], static_cast<std::size_t>(used));
    const std::span weights(&routing.weights[place], static_cast<std::size_t>(used));
    // By score, not by probability: exp() makes equal numbers, 0, of very low scores that are not equal.
    top_k({scores.row(t).data(), static_cast<std::size_t>(scores.cols())}, chosen);
    Eigen::RowVectorXf probabilities = scores.row(t);  // [E]
    softmax(probabilities);
    for (std::size_t i = 0; i < chosen.size(); ++i) weights[i] = probabilities[chosen[i]];
    if (!renormalize) continue;
    // At least 1 / E, for the likeliest is among them.
    const float sum = std::accumulate(weights.begin(), weights.end(), 0.0F);
    for (float& weight : weights) weight /= sum;
  }
  return routing;
}

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

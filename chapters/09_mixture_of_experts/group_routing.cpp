#include "chapters/09_mixture_of_experts/group_routing.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <vector>

#include "core/error.h"

namespace rung {

namespace {

void require_groups(std::int64_t experts, std::int64_t used, const GroupRule& rule) {
  if (rule.groups < 1 || experts % rule.groups != 0) {
    throw Error(ErrorKind::usage, "{} experts cannot be divided into {} equal groups", experts, rule.groups);
  }
  if (rule.groups_used < 1 || rule.groups_used > rule.groups) {
    throw Error(ErrorKind::usage, "{} of {} groups cannot be used; at least 1 and at most all are",
                rule.groups_used, rule.groups);
  }
  if (used > rule.groups_used * (experts / rule.groups)) {
    throw Error(ErrorKind::usage, "{} of {} groups have {} experts; {} cannot be chosen of them",
                rule.groups_used, rule.groups, rule.groups_used * (experts / rule.groups), used);
  }
}

/// Looks at all before any is ranked: the sigmoid of an infinite score is finite, and max() may pass a NaN over.
void require_finite(const ConstMatrixView& scores, const ConstVectorView& bias) {
  for (Eigen::Index e = 0; e < scores.cols(); ++e) {
    if (!scores.col(e).allFinite() || !std::isfinite(bias[e])) {
      throw Error(
          ErrorKind::bad_input,
          "router: a score or the bias of expert {} is no finite number; are the weights of this model "
          "whole?",
          e);
    }
  }
}

/// The sum of the two highest, or of all if there is but one.
float two_highest(std::span<const float> ranked) {
  if (ranked.size() == 1) return ranked[0];
  float highest = std::max(ranked[0], ranked[1]), second = std::min(ranked[0], ranked[1]);
  for (const float number : ranked.subspan(2)) {
    second = std::max(second, std::min(highest, number));
    highest = std::max(highest, number);
  }
  return highest + second;
}

}  // namespace

Routing sigmoid_in_groups(const ConstMatrixView& scores, const ConstVectorView& bias, std::int64_t used,
                          const GroupRule& rule) {
  Routing routing = empty_routing(scores.rows(), scores.cols(), used);
  require_groups(routing.experts, used, rule);
  require_finite(scores, bias);
  const auto size = static_cast<std::size_t>(routing.experts / rule.groups);
  const auto k = static_cast<std::size_t>(used);
  std::vector<float> of_group(static_cast<std::size_t>(rule.groups));
  std::vector<std::int32_t> open(static_cast<std::size_t>(rule.groups_used));
  std::vector<std::int32_t> members;  // the experts of the open groups
  std::vector<float> ranked;          // and what each is ranked by
  std::vector<std::int32_t> places(k);
  for (Eigen::Index t = 0; t < scores.rows(); ++t) {
    const Eigen::RowVectorXf s = 1 / (1 + (-scores.row(t).array()).exp());  // [E]
    const Eigen::RowVectorXf with_bias = s + bias.transpose();
    for (std::size_t g = 0; g < of_group.size(); ++g) of_group[g] = two_highest({&with_bias[g * size], size});
    top_k(of_group, open);
    std::ranges::sort(open);
    members.clear();
    ranked.clear();
    for (const std::int32_t g : open) {
      for (std::size_t e = static_cast<std::size_t>(g) * size; e < (static_cast<std::size_t>(g) + 1) * size;
           ++e) {
        members.push_back(static_cast<std::int32_t>(e));
        ranked.push_back(with_bias[static_cast<Eigen::Index>(e)]);
      }
    }
    top_k(ranked, places);
    float sum = 0;
    const std::span weights(&routing.weights[static_cast<std::size_t>(t) * k], k);
    for (std::size_t i = 0; i < k; ++i) {
      const std::int32_t expert = members[static_cast<std::size_t>(places[i])];
      routing.chosen[static_cast<std::size_t>(t) * k + i] = expert;
      weights[i] = s[expert];  // without the bias
      sum += weights[i];
    }
    for (float& weight : weights) {
      // One after the other: the factor over a very small sum would be infinite.
      if (rule.renormalize && sum != 0) weight /= sum;
      weight *= rule.scale;
    }
  }
  return routing;
}

}  // namespace rung

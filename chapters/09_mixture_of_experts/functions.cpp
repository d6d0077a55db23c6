#include "chapters/09_mixture_of_experts/functions.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "chapters/09_mixture_of_experts/capacity.h"
#include "chapters/09_mixture_of_experts/expert_load.h"
#include "chapters/09_mixture_of_experts/group_routing.h"
#include "chapters/09_mixture_of_experts/routing.h"
#include "chapters/09_mixture_of_experts/segments.h"
#include "core/check/error_kind.h"
#include "core/check/functions/routing.h"
#include "core/error.h"

namespace rung {
namespace {

using Numbers = std::vector<double>;

/// Rows of `width`, with columns of somebody else behind them.
class WiderRows {
 public:
  WiderRows(const Numbers& numbers, std::int64_t width)
      : all_(Matrix::Constant(static_cast<Eigen::Index>(numbers.size()) / width, width + 3, -7)),
        width_(width) {
    for (Eigen::Index t = 0; t < all_.rows(); ++t) {
      for (Eigen::Index n = 0; n < width; ++n)
        all_(t, n) = static_cast<float>(numbers[static_cast<std::size_t>(t * width + n)]);
    }
  }
  MatrixView rows() { return all_.leftCols(width_); }

 private:
  Matrix all_;
  Eigen::Index width_;
};

template <typename Result, typename Call>
Result or_refused(const Call& call) {
  try {
    return call();
  } catch (const Error& error) {
    // An exercise that is not written says so; it is no refusal.
    if (std::string(error.what()).find("not written yet") != std::string::npos) throw;
    Result result;
    result.refused = check::kind_name(error.kind());
    return result;
  }
}

check::RoutingResult as_result(const Routing& routing) {
  return {.chosen = {routing.chosen.begin(), routing.chosen.end()},
          .weights = {routing.weights.begin(), routing.weights.end()}};
}

/// What top_k() makes of each row, and -1 where nothing.
std::vector<std::int64_t> by_top_k(const ConstMatrixView& scores, std::int64_t used) {
  std::vector<std::int64_t> all;
  all.reserve(static_cast<std::size_t>(scores.rows() * used));
  for (Eigen::Index t = 0; t < scores.rows(); ++t) {
    std::vector<std::int32_t> chosen(static_cast<std::size_t>(used), -1);
    top_k({scores.row(t).data(), static_cast<std::size_t>(scores.cols())}, chosen);
    all.insert(all.end(), chosen.begin(), chosen.end());
  }
  return all;
}

check::RoutingResult run_routing(const check::RoutingInput& input) {
  WiderRows scores(input.scores, input.experts);
  auto result = or_refused<check::RoutingResult>(
      [&] { return as_result(softmax_then_top_k(scores.rows(), input.used, input.renormalize)); });
  if (!result.refused.empty() && result.refused != "bad_input") return result;
  // Other files call top_k(), too.
  auto alone = or_refused<check::RoutingResult>(
      [&] { return check::RoutingResult{.by_top_k = by_top_k(scores.rows(), input.used)}; });
  if (result.refused.empty() && !alone.refused.empty()) return alone;
  if (!result.refused.empty() && alone.refused.empty()) return {.refused = check::refused_but_by_top_k};
  result.by_top_k = alone.by_top_k;
  return result;
}

check::RoutingResult run_group_routing(const check::RoutingInput& input) {
  WiderRows scores(input.scores, input.experts);
  Vector bias(input.experts);
  for (Eigen::Index e = 0; e < bias.size(); ++e)
    bias[e] = static_cast<float>(input.bias[static_cast<std::size_t>(e)]);
  return or_refused<check::RoutingResult>([&] {
    return as_result(sigmoid_in_groups(scores.rows(), bias, input.used,
                                       {.groups = input.groups,
                                        .groups_used = input.groups_used,
                                        .renormalize = input.renormalize,
                                        .scale = static_cast<float>(input.scale)}));
  });
}

check::SegmentsResult as_result(const ExpertSegments& segments) {
  return {.offsets = segments.offsets,
          .row_of = {segments.row_of.begin(), segments.row_of.end()},
          .weight_of = {segments.weight_of.begin(), segments.weight_of.end()},
          .rows = segments.rows};
}

Routing routing_of(std::int64_t experts, std::int64_t used, const std::vector<std::int64_t>& chosen) {
  Routing routing = empty_routing(static_cast<std::int64_t>(chosen.size()) / used, experts, used);
  for (std::size_t i = 0; i < chosen.size(); ++i) {
    routing.chosen[i] = static_cast<std::int32_t>(chosen[i]);
    routing.weights[i] = std::ldexp(1.0F, -static_cast<int>(static_cast<std::int64_t>(i) % used) - 1);
  }
  return routing;
}

Numbers flat(const ConstMatrixView& rows) {
  Numbers numbers;
  numbers.reserve(static_cast<std::size_t>(rows.size()));
  for (Eigen::Index t = 0; t < rows.rows(); ++t) {
    for (Eigen::Index n = 0; n < rows.cols(); ++n) numbers.push_back(static_cast<double>(rows(t, n)));
  }
  return numbers;
}

/// The expert of each place.
std::vector<std::int64_t> experts_of_places(const ExpertSegments& segments) {
  std::vector<std::int64_t> experts;
  for (std::int64_t e = 0; e < segments.experts(); ++e)
    experts.insert(experts.end(), static_cast<std::size_t>(segments.count(e)), e);
  return experts;
}

check::SegmentsResult run_expert_segments(const check::SegmentsInput& input) {
  Routing routing = routing_of(input.experts, input.used, input.chosen);
  for (std::size_t i = 0; i < input.weights.size(); ++i)
    routing.weights[i] = static_cast<float>(input.weights[i]);
  const bool given = input.room > 0;
  const ExpertSegments segments = given ? segments_within(routing, input.room) : segments_of(routing);
  check::SegmentsResult result = as_result(segments);
  // What follows would walk off the ends of wrong segments.
  if (!given &&
      (std::ssize(segments.offsets) != input.experts + 1 || result.row_of.size() != input.chosen.size() ||
       segments.weight_of.size() != input.chosen.size()))
    return result;
  for (const std::int64_t row : result.row_of) {
    if (row < 0 || row >= input.rows()) return result;
  }
  Numbers x;
  for (std::int64_t t = 0; t < input.rows(); ++t) {
    for (const double number : check::segment_row(t)) x.push_back(number);
  }
  WiderRows rows(x, 2), gathered(Numbers(2 * result.row_of.size(), check::segments_before), 2);
  gather_rows(segments, rows.rows(), gathered.rows());
  result.gathered = flat(gathered.rows());
  // By the input, not by the learner's segments, whose offsets may be wrong and are judged already.
  std::vector<std::int64_t> expert_at = input.chosen;
  if (given) expert_at = experts_of_places(segments);
  std::ranges::sort(expert_at);
  WiderRows results(flat(gathered.rows()), 2);
  for (Eigen::Index p = 0; p < gathered.rows().rows(); ++p) {
    results.rows().row(p) *= static_cast<float>(expert_at[static_cast<std::size_t>(p)] + 1);
  }
  WiderRows out(Numbers(x.size(), check::segments_before), 2);
  combine_rows(segments, results.rows(), out.rows());
  result.combined = flat(out.rows());
  return result;
}

check::SegmentsResult run_expert_capacity(const check::CapacityInput& input) {
  using Rule = check::CapacityInput::Rule;
  return or_refused<check::SegmentsResult>([&]() -> check::SegmentsResult {
    switch (input.rule) {
      case Rule::room:
        return {.offsets = {expert_capacity(input.rows, input.experts, input.used, input.factor)}};
      case Rule::within:
        return as_result(
            segments_within(routing_of(input.experts, input.used, input.chosen), input.capacity));
      case Rule::choice:
        break;
    }
    WiderRows scores(input.scores, input.experts);
    return as_result(expert_choice(scores.rows(), input.capacity));
  });
}

check::LoadResult run_expert_load(const check::LoadInput& input) {
  using Rule = check::LoadInput::Rule;
  return or_refused<check::LoadResult>([&]() -> check::LoadResult {
    switch (input.rule) {
      case Rule::load: {
        const ExpertLoad load = expert_load(routing_of(input.experts, input.used, input.chosen));
        Numbers numbers(load.counts.begin(), load.counts.end());
        numbers.push_back(load.entropy);
        numbers.push_back(load.imbalance);
        return {.numbers = std::move(numbers)};
      }
      case Rule::loss: {
        WiderRows scores(input.scores, input.scored > 0 ? input.scored : input.experts);
        return {
            .numbers = {balance_loss(scores.rows(), routing_of(input.experts, input.used, input.chosen))}};
      }
      case Rule::bias: {
        std::vector<float> bias(input.bias.begin(), input.bias.end());
        update_bias(input.chosen, static_cast<float>(input.step), bias);
        return {.numbers = {bias.begin(), bias.end()}};
      }
      case Rule::expected:
        break;
    }
    return {.numbers = {expected_experts(input.experts, input.used, input.rows)}};
  });
}

}  // namespace

std::vector<check::JudgedFunction> mixture_functions() {
  return {
      check::judged<check::RoutingInput, check::RoutingResult>(
          check::routing_check(), "chapters/09_mixture_of_experts/routing", run_routing),
      check::judged<check::SegmentsInput, check::SegmentsResult>(
          check::expert_segments_check(), "chapters/09_mixture_of_experts/segments", run_expert_segments),
      check::judged<check::RoutingInput, check::RoutingResult>(
          check::group_routing_check(), "chapters/09_mixture_of_experts/group_routing", run_group_routing),
      check::judged<check::CapacityInput, check::SegmentsResult>(
          check::expert_capacity_check(), "chapters/09_mixture_of_experts/capacity", run_expert_capacity),
      check::judged<check::LoadInput, check::LoadResult>(
          check::expert_load_check(), "chapters/09_mixture_of_experts/expert_load", run_expert_load),
  };
}

}  // namespace rung

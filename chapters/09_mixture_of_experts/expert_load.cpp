#include "chapters/09_mixture_of_experts/expert_load.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "chapters/03_attention/softmax.h"
#include "core/error.h"

namespace rung {

ExpertLoad expert_load(const Routing& routing) {
  if (routing.chosen.empty()) throw Error(ErrorKind::usage, "the load of experts to which no row goes");
  ExpertLoad load{.counts = std::vector<std::int64_t>(static_cast<std::size_t>(routing.experts))};
  for (const std::int32_t expert : routing.chosen) ++load.counts[static_cast<std::size_t>(expert)];
  const auto routes = static_cast<double>(routing.chosen.size());
  for (const std::int64_t count : load.counts) {
    const double share = static_cast<double>(count) / routes;
    if (count > 0) load.entropy -= share * std::log(share);
  }
  const auto largest = static_cast<double>(std::ranges::max(load.counts));
  load.imbalance = largest / (routes / static_cast<double>(routing.experts));
  return load;
}

double balance_loss(const ConstMatrixView& scores, const Routing& routing) {
  if (scores.rows() != routing.rows || scores.cols() != routing.experts) {
    throw Error(ErrorKind::usage, "scores [{}, {}] for routes of {} rows to {} experts", scores.rows(),
                scores.cols(), routing.rows, routing.experts);
  }
  const ExpertLoad load = expert_load(routing);
  Eigen::VectorXd probability = Eigen::VectorXd::Zero(scores.cols());  // [E], summed over rows
  for (Eigen::Index t = 0; t < scores.rows(); ++t) {
    Eigen::RowVectorXf row = scores.row(t);
    softmax(row);
    probability += row.transpose().cast<double>();
  }
  double sum = 0;
  for (Eigen::Index e = 0; e < scores.cols(); ++e) {
    const double share = static_cast<double>(load.counts[static_cast<std::size_t>(e)]) /
                         static_cast<double>(routing.chosen.size());
    sum += share * probability[e] / static_cast<double>(routing.rows);
  }
  return static_cast<double>(routing.experts) * sum;
}

void update_bias(std::span<const std::int64_t> counts, float step, std::span<float> bias) {
  if (counts.size() != bias.size())
    throw Error(ErrorKind::usage, "{} counts for the biases of {} experts", counts.size(), bias.size());
  const std::int64_t all = std::accumulate(counts.begin(), counts.end(), std::int64_t{0});
  for (std::size_t e = 0; e < bias.size(); ++e) {
    // In whole numbers, so that the mean is met exactly.
    const std::int64_t over = counts[e] * std::ssize(bias) - all;
    if (over > 0) bias[e] -= step;
    if (over < 0) bias[e] += step;
  }
}

double expected_experts(std::int64_t experts, std::int64_t used, std::int64_t rows) {
  empty_routing(0, experts, used);  // says what is wrong with k
  if (rows < 0) throw Error(ErrorKind::usage, "the experts of {} rows", rows);
  const double missed = 1 - static_cast<double>(used) / static_cast<double>(experts);  // by one row
  return static_cast<double>(experts) * (1 - std::pow(missed, static_cast<double>(rows)));
}

}  // namespace rung

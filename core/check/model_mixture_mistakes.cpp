// The known mistakes of a mixture of experts: which experts a token goes to, and what their outputs count.

#include <algorithm>
#include <cmath>
#include <numeric>
#include <span>
#include <utility>
#include <vector>

#include "core/check/model_mistake_lists.h"

namespace rung::check {
namespace {

using oracle::Grid;

bool is_mixture(const ModelConfig& config) {
  return config.mixture.has_value();
}

bool uses_several(const ModelConfig& config) {
  return is_mixture(config) && config.mixture->experts_used > 1;
}

bool leaves_some(const ModelConfig& config) {
  return is_mixture(config) && config.mixture->experts_used < config.mixture->experts;
}

/// The experts of the lowest scores, lowest first.
void choose_lowest(std::span<const double> scores, std::span<double> chosen) {
  std::vector<std::size_t> order(scores.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::ranges::sort(order, {}, [&](std::size_t expert) { return std::pair(scores[expert], expert); });
  for (std::size_t i = 0; i < chosen.size(); ++i) chosen[i] = static_cast<double>(order[i]);
}

/// Each row's weights for the experts that the scene has chosen: a softmax over their scores.
void weigh_chosen(Grid& weights, const Scene& scene) {
  const Grid& scores = scene.at("feed_forward.router.scores");
  const Grid& chosen = scene.at("feed_forward.router.chosen");
  for (std::int64_t t = 0; t < weights.rows; ++t) {
    const auto score = [&](std::int64_t i) {
      return scores.row(t)[static_cast<std::size_t>(chosen.row(t)[i])];
    };
    for (std::int64_t i = 0; i < weights.columns; ++i) {
      double sum = 0;
      for (std::int64_t other = 0; other < weights.columns; ++other) sum += std::exp(score(other) - score(i));
      weights.row(t)[i] = 1 / sum;
    }
  }
}

}  // namespace

std::vector<ModelMistake> model_mixture_mistakes() {
  return {
      {.name = "expert_weights_not_renormalised",
       .sentence = "the chosen experts' weights are left as the softmax over all experts gave them; they are "
                   "divided by their sum",
       .chapter = 9,
       .applies =
           [](const ModelConfig& config) { return leaves_some(config) && config.mixture->renormalize; },
       .misread = [](ModelConfig& config) { config.mixture->renormalize = false; }},
      {.name = "expert_weights_alike",
       .sentence = "every chosen expert counts the same; each counts by its share of the softmax",
       .chapter = 9,
       .applies = uses_several,
       .replace =
           [](std::string_view point, Grid& values, const Scene&) {
             if (point == "feed_forward.router.weights")
               std::ranges::fill(values.values, 1 / static_cast<double>(values.columns));
           }},
      {.name = "last_expert_dropped",
       .sentence =
           "the last of the chosen experts is left out, the weights of the others are as they were; its "
           "output belongs to the sum",
       .chapter = 9,
       .applies = uses_several,
       .replace =
           [](std::string_view point, Grid& values, const Scene&) {
             if (point != "feed_forward.router.weights") return;
             for (std::int64_t t = 0; t < values.rows; ++t) values.row(t).back() = 0;
           }},
      {.name = "one_expert_fewer",
       .sentence = "each token goes through one expert fewer than the model says",
       .chapter = 9,
       .applies = uses_several,
       .misread = [](ModelConfig& config) { --config.mixture->experts_used; }},
      {.name = "one_expert_more",
       .sentence = "each token goes through one expert more than the model says",
       .chapter = 9,
       .applies = leaves_some,
       .misread = [](ModelConfig& config) { ++config.mixture->experts_used; }},
      {.name = "experts_off_by_one",
       .sentence = "each token goes to the experts after the chosen ones, the last to the first",
       .chapter = 9,
       .applies = [](const ModelConfig& config) { return is_mixture(config) && config.mixture->experts > 1; },
       .replace =
           [](std::string_view point, Grid& values, const Scene& scene) {
             if (point != "feed_forward.router.chosen") return;
             const auto experts = static_cast<double>(scene.config.mixture->experts);
             for (double& expert : values.values) expert = expert + 1 == experts ? 0 : expert + 1;
           }},
      {.name = "worst_experts_chosen",
       .sentence = "the experts of the lowest scores are taken; those of the highest are right",
       .chapter = 9,
       .applies = leaves_some,
       .replace =
           [](std::string_view point, Grid& values, const Scene& scene) {
             if (point == "feed_forward.router.chosen") {
               const Grid& scores = scene.at("feed_forward.router.scores");
               for (std::int64_t t = 0; t < values.rows; ++t) choose_lowest(scores.row(t), values.row(t));
             }
             if (point == "feed_forward.router.weights") weigh_chosen(values, scene);
           }},
      {.name = "router_reads_the_stream",
       .sentence = "the router scores the residual stream itself; it reads what the norm makes of it, as the "
                   "experts do",
       .chapter = 9,
       .applies = leaves_some,
       .replace =
           [](std::string_view point, Grid& values, const Scene& scene) {
             if (point != "feed_forward.router.scores") return;
             values = scene.transformer.product(scene.at("attention.residual"),
                                                scene.layer + "feed_forward.router.weight");
           }},
      {.name = "experts_read_the_weighted_input",
       .sentence =
           "gate and up are multiplied by the expert's weight, and its output is not; SiLU is no straight "
           "line, so that is something else",
       .chapter = 9,
       .applies = uses_several,
       .replace =
           [](std::string_view point, Grid& values, const Scene& scene) {
             if (point != "feed_forward.activation") return;
             // silu(w·gate)·(w·up), over the w by which the output is multiplied after all.
             const Grid& gate = scene.at("feed_forward.gate");
             const Grid& up = scene.at("feed_forward.up");
             const Grid& weights = scene.at("feed_forward.router.weights");
             const std::int64_t width = values.columns / weights.columns;
             for (std::int64_t t = 0; t < values.rows; ++t) {
               for (std::int64_t i = 0; i < values.columns; ++i) {
                 const double z = weights.row(t)[i / width] * gate.row(t)[i];
                 values.row(t)[i] = z / (1 + std::exp(-z)) * up.row(t)[i];
               }
             }
           }},
  };
}

}  // namespace rung::check

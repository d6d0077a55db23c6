// The known mistakes of what stands around attention: norms, residual stream, feed-forward layer, output matrix.

#include <algorithm>
#include <cmath>
#include <span>

#include "core/check/model_mistake_lists.h"

namespace rung::check {
namespace {

using oracle::Grid;

void add(Grid& x, const Grid& more) {
  for (std::size_t i = 0; i < x.values.size(); ++i) x.values[i] += more.values[i];
}

double root_mean_square(std::span<const double> x, double eps) {
  double squares = 0;
  for (const double number : x) squares += number * number;
  return std::sqrt(squares / static_cast<double>(x.size()) + eps);
}

/// The residual stream that the layer got: [T, hidden].
const Grid& before_layer(const Scene& scene) {
  const auto layer_below = scene.seen.find("feed_forward.residual");
  return layer_below != scene.seen.end() ? layer_below->second : scene.at("embedding");
}

/// The weight of attention's norm, from what it made of the stream: [hidden]. A column's weight is taken from
/// the row where the column is largest.
std::vector<double> attention_norm_weight(const Scene& scene) {
  const Grid& x = before_layer(scene);
  const Grid& normed = scene.at("attention.norm");
  std::vector<double> weight;
  for (std::int64_t i = 0; i < x.columns; ++i) {
    std::int64_t best = 0;
    for (std::int64_t t = 1; t < x.rows; ++t) {
      if (std::abs(x.row(t)[i]) > std::abs(x.row(best)[i])) best = t;
    }
    const double number = x.row(best)[i];
    const double root = root_mean_square(x.row(best), scene.config.norm_eps);
    weight.push_back(number == 0 ? 0 : normed.row(best)[i] * root / number);
  }
  return weight;
}

/// gate and up through another activation.
auto wrong_activation(double (*activation)(double)) {
  return [activation](std::string_view point, Grid& values, const Scene& scene) {
    if (point != "feed_forward.activation") return;
    const Grid& gate = scene.at("feed_forward.gate");
    const Grid& up = scene.at("feed_forward.up");
    for (std::size_t i = 0; i < values.values.size(); ++i) {
      values.values[i] = activation(gate.values[i]) * up.values[i];
    }
  };
}

}  // namespace

std::vector<ModelMistake> model_skeleton_mistakes() {
  return {
      {.name = "eps_ignored",
       .sentence = "RMSNorm without eps",
       .chapter = 4,
       .applies = [](const ModelConfig& config) { return config.norm_eps != 0; },
       .misread = [](ModelConfig& config) { config.norm_eps = 0; }},
      {.name = "eps_of_another_model",
       .sentence = "RMSNorm with eps 1e-6; the model says another",
       .chapter = 4,
       .applies = [](const ModelConfig& config) { return config.norm_eps != 1e-6; },
       .misread = [](ModelConfig& config) { config.norm_eps = 1e-6; }},
      {.name = "norm_weight_plus_one",
       .sentence = "the last norm multiplies by 1 + weight, as Gemma does; Llama multiplies by weight",
       .chapter = 4,
       .replace =
           [](std::string_view point, Grid& values, const Scene& scene) {
             if (point != "norm") return;
             const Grid& x = scene.at("feed_forward.residual");
             for (std::int64_t t = 0; t < x.rows; ++t) {
               const double root = root_mean_square(x.row(t), scene.config.norm_eps);
               for (std::int64_t i = 0; i < x.columns; ++i) values.row(t)[i] += x.row(t)[i] / root;
             }
           }},
      {.name = "last_norm_forgotten",
       .sentence = "the norm before the output matrix is left out",
       .chapter = 4,
       .replace =
           [](std::string_view point, Grid& values, const Scene& scene) {
             if (point == "norm") values = scene.at("feed_forward.residual");
           }},
      {.name = "residual_after_norm",
       .sentence = "the residual stream goes on from the norm's output; it goes on from the norm's input",
       .chapter = 4,
       .replace =
           [](std::string_view point, Grid& values, const Scene& scene) {
             if (point != "attention.residual") return;
             values = scene.at("attention.norm");
             add(values, scene.at("attention.projected"));
           }},
      {.name = "attention_norm_forgotten",
       .sentence = "q, k and v are made from the residual stream itself; the norm comes before them",
       .chapter = 4,
       .replace =
           [](std::string_view point, Grid& values, const Scene& scene) {
             if (point == "attention.norm") values = before_layer(scene);
           }},
      {.name = "feed_forward_norm_forgotten",
       .sentence = "the feed-forward layer reads the residual stream itself; the norm comes before it",
       .chapter = 4,
       .replace =
           [](std::string_view point, Grid& values, const Scene& scene) {
             if (point == "feed_forward.norm") values = scene.at("attention.residual");
           }},
      {.name = "feed_forward_norm_of_attention",
       .sentence = "both norms of a layer multiply by attention's weight; the feed-forward layer has its own",
       .chapter = 4,
       .replace =
           [](std::string_view point, Grid& values, const Scene& scene) {
             if (point != "feed_forward.norm") return;
             const std::vector<double> weight = attention_norm_weight(scene);
             const Grid& x = scene.at("attention.residual");
             for (std::int64_t t = 0; t < x.rows; ++t) {
               const double root = root_mean_square(x.row(t), scene.config.norm_eps);
               for (std::int64_t i = 0; i < x.columns; ++i) {
                 values.row(t)[i] = x.row(t)[i] / root * weight[static_cast<std::size_t>(i)];
               }
             }
           }},
      {.name = "attention_residual_forgotten",
       .sentence = "attention's output replaces the residual stream; it is added to it",
       .chapter = 4,
       .replace =
           [](std::string_view point, Grid& values, const Scene& scene) {
             if (point == "attention.residual") values = scene.at("attention.projected");
           }},
      {.name = "feed_forward_residual_forgotten",
       .sentence = "the feed-forward layer's output replaces the residual stream; it is added to it",
       .chapter = 4,
       .replace =
           [](std::string_view point, Grid& values, const Scene& scene) {
             if (point == "feed_forward.residual") values = scene.at("feed_forward.output");
           }},
      {.name = "gate_and_up_swapped",
       .sentence = "silu(up) · gate; it is silu(gate) · up",
       .chapter = 4,
       .replace =
           [](std::string_view point, Grid& values, const Scene& scene) {
             if (point != "feed_forward.activation") return;
             const Grid& gate = scene.at("feed_forward.gate");
             const Grid& up = scene.at("feed_forward.up");
             for (std::size_t i = 0; i < values.values.size(); ++i) {
               values.values[i] = up.values[i] / (1 + std::exp(-up.values[i])) * gate.values[i];
             }
           }},
      {.name = "gelu_for_silu",
       .sentence = "the gate goes through GELU; Llama's goes through SiLU",
       .chapter = 4,
       .replace = wrong_activation([](double z) { return z * 0.5 * std::erfc(-z / std::sqrt(2.0)); })},
      {.name = "tied_output_forgotten",
       .sentence = "the output matrix is left at zero; the file has none because it is the embedding (tied)",
       .chapter = 4,
       .applies = [](const ModelConfig& config) { return config.tied_embeddings; },
       .replace =
           [](std::string_view point, Grid& values, const Scene&) {
             if (point == "logits") std::ranges::fill(values.values, 0.0);
           }},
      {.name = "output_taken_as_tied",
       .sentence = "the embedding is used as the output matrix; the model has its own (untied)",
       .chapter = 4,
       .applies = [](const ModelConfig& config) { return !config.tied_embeddings; },
       .misread = [](ModelConfig& config) { config.tied_embeddings = true; }},
  };
}

}  // namespace rung::check

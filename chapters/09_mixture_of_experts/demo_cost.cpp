// Bytes and time.

#include <algorithm>
#include <array>
#include <cmath>
#include <memory>
#include <numeric>
#include <span>
#include <string>
#include <utility>

#include <fmt/format.h>

#include "chapters/04_transformer/swiglu.h"
#include "chapters/05_sampling/random.h"
#include "chapters/09_mixture_of_experts/demo_parts.h"
#include "chapters/09_mixture_of_experts/expert_load.h"
#include "chapters/09_mixture_of_experts/mixture.h"
#include "core/measure/clock.h"

namespace rung {

Routing dealt_routes(std::int64_t rows, std::int64_t experts, std::int64_t used, std::uint64_t seed) {
  Random random(seed);
  Routing routing = empty_routing(rows, experts, used);
  std::ranges::fill(routing.weights, 1 / static_cast<float>(used));
  std::vector<std::int32_t> all(static_cast<std::size_t>(experts));
  for (std::int64_t t = 0; t < rows; ++t) {
    std::iota(all.begin(), all.end(), 0);
    for (std::int64_t i = 0; i < used; ++i) {
      const auto left = static_cast<double>(experts - i);
      const auto other = static_cast<std::size_t>(i) + static_cast<std::size_t>(random.uniform() * left);
      std::swap(all[static_cast<std::size_t>(i)], all[other]);
      routing.chosen[static_cast<std::size_t>(t * used + i)] = all[static_cast<std::size_t>(i)];
    }
  }
  return routing;
}

std::int64_t experts_touched(const Routing& routing, std::int64_t first, std::int64_t count) {
  std::vector<bool> touched(static_cast<std::size_t>(routing.experts));
  for (std::int64_t i = first * routing.used; i < (first + count) * routing.used; ++i)
    touched[static_cast<std::size_t>(routing.chosen[static_cast<std::size_t>(i)])] = true;
  return std::count(touched.begin(), touched.end(), true);
}

namespace {

using Json = nlohmann::ordered_json;

constexpr std::array batches = {1, 2, 4, 8, 16, 32, 64};

Json show_touched(const DemoInput& /*input*/, DemoText& text) {
  constexpr int trials = 1000;
  struct Shape {
    const char* name;
    std::int64_t experts, used;
  };
  text.print(
      "different experts that B rows touch, in % of all: E (1 - (1 - k/E)^B), and the mean of {} dealt "
      "batches\n",
      trials);
  text.print("{:<28}", "B");
  for (const int batch : batches) text.print("{:>13}", batch);
  text.print("\n");
  Json data = Json::array();
  for (const Shape& shape : {Shape{"Mixtral, GPT-4's 8: 2 of 8", 8, 2},
                             {"GPT-4's 16: 2 of 16", 16, 2},
                             {"Qwen1.5-MoE: 4 of 60", 60, 4},
                             {"DeepSeek-V3: 8 of 256", 256, 8}}) {
    text.print("{:<28}", shape.name);
    Json row{
        {"name", shape.name}, {"experts", shape.experts}, {"used", shape.used}, {"share", Json::array()}};
    for (const int batch : batches) {
      const Routing routing = dealt_routes(std::int64_t{trials} * batch, shape.experts, shape.used, 9);
      double sum = 0;
      for (int i = 0; i < trials; ++i)
        sum += static_cast<double>(experts_touched(routing, std::int64_t{i} * batch, batch));
      const double percent = 100 / static_cast<double>(shape.experts);
      const double expected = percent * expected_experts(shape.experts, shape.used, batch);
      text.print("{:>6.1f} {:>6.1f}", expected, percent * sum / trials);
      row["share"].push_back(expected);
    }
    text.print("\n");
    data.push_back(std::move(row));
  }
  return data;
}

/// A decoder with SwiGLU, in whose layers E experts stand for one feed-forward part.
struct Sizes {
  const char* name;
  std::int64_t layers, hidden, heads, kv_heads, head_dim, feed_forward, vocab, experts, used;

  std::int64_t expert() const { return 3 * hidden * feed_forward; }
  std::int64_t parameters(std::int64_t of_experts) const {
    const std::int64_t attention = 2 * hidden * head_dim * (heads + kv_heads);
    const std::int64_t router = experts > 1 ? experts * hidden : 0;
    return layers * (attention + router + of_experts * expert() + 2 * hidden) + hidden + 2 * vocab * hidden;
  }
};

Json show_sizes(const DemoInput& /*input*/, DemoText& text) {
  const std::vector<Sizes> models = {
      {"Mistral 7B", 32, 4096, 32, 8, 128, 14336, 32000, 1, 1},
      {"Mixtral 8x7B", 32, 4096, 32, 8, 128, 14336, 32000, 8, 2},
      {"Mixtral 8x22B", 56, 6144, 48, 8, 128, 16384, 32768, 8, 2},
  };
  text.print("{:<15} {:>17} {:>17} {:>15} {:>8} {:>14} {:>14}\n", "", "in all", "of one token",
             "of one expert", "share", "GB in fp16", "GFLOP a token");
  Json data = Json::array();
  for (const Sizes& model : models) {
    const std::int64_t total = model.parameters(model.experts), active = model.parameters(model.used);
    // Of the embedding a token reads one row, which is no product.
    const std::int64_t multiplied = active - model.vocab * model.hidden;
    text.print("{:<15} {:>17} {:>17} {:>15} {:>6.1f} % {:>14.1f} {:>14.1f}\n", model.name, total, active,
               model.layers * model.expert(), 100 * static_cast<double>(active) / static_cast<double>(total),
               2e-9 * static_cast<double>(total), 2e-9 * static_cast<double>(multiplied));
    data.push_back({{"model", model.name}, {"total", total}, {"active", active}});
  }
  return data;
}

// Time.

constexpr std::int64_t hidden = 1024, feed_forward = 2816, experts = 8, used = 2;

std::shared_ptr<const Matrix> some_weights(std::int64_t rows, std::int64_t columns, std::uint64_t seed) {
  auto matrix = std::make_shared<Matrix>(rows, columns);
  Random random(seed);
  const float size = 2 / std::sqrt(static_cast<float>(columns));
  for (float& number : std::span(matrix->data(), static_cast<std::size_t>(matrix->size())))
    number = size * static_cast<float>(random.uniform() - 0.5);
  return matrix;
}

/// The same weights, to be held by several layers at once.
struct Weights {
  std::shared_ptr<const Matrix> router = some_weights(experts, hidden, 1);
  std::vector<std::shared_ptr<const Matrix>> gate, up, down;

  Weights() {
    for (std::uint64_t e = 0; e < static_cast<std::uint64_t>(experts); ++e) {
      gate.push_back(some_weights(feed_forward, hidden, 10 + e));
      up.push_back(some_weights(feed_forward, hidden, 30 + e));
      down.push_back(some_weights(hidden, feed_forward, 50 + e));
    }
  }
  MixtureOfExperts mixture(Dispatch dispatch) const {
    const auto grouped = [](const std::vector<std::shared_ptr<const Matrix>>& matrices) {
      std::vector<std::unique_ptr<Linear>> linears;
      linears.reserve(matrices.size());
      for (const auto& matrix : matrices) linears.push_back(std::make_unique<DenseLinear>(matrix));
      return std::make_unique<LinearPerExpert>(std::move(linears));
    };
    return {std::make_unique<DenseLinear>(router),
            {.gate = grouped(gate), .up = grouped(up), .down = grouped(down)},
            [](const ConstMatrixView& scores) { return softmax_then_top_k(scores, used, true); },
            used,
            dispatch};
  }
};

SwiGlu dense_layer(std::int64_t width) {
  const auto linear = [](std::int64_t rows, std::int64_t columns, std::uint64_t seed) {
    return std::make_unique<DenseLinear>(some_weights(rows, columns, seed));
  };
  return {linear(width, hidden, 70), linear(width, hidden, 71), linear(hidden, width, 72)};
}

double seconds_of(const FeedForward& layer, const Matrix& x, Matrix& out) {
  const measure::Stopwatch watch;
  layer.run(x, out, nullptr, {});
  return watch.seconds();
}

Json show_speed(const DemoInput& /*input*/, DemoText& text) {
  const Weights weights;
  const MixtureOfExperts by_token = weights.mixture(Dispatch::tokens),
                         by_expert = weights.mixture(Dispatch::experts),
                         by_segment = weights.mixture(Dispatch::segments);
  const SwiGlu active = dense_layer(used * feed_forward), total = dense_layer(experts * feed_forward);
  const std::array<const FeedForward*, 5> layers = {&by_token, &by_expert, &by_segment, &active, &total};
  constexpr int rounds = 7;
  text.print(
      "one layer: hidden {}, {} experts of {}, {} used, fp32, {} MB of experts; all in turn, medians of {}\n",
      hidden, experts, feed_forward, used, by_token.expert_cost().bytes / 1000000, rounds);
  text.print("{:>5}  {:>37}   {:>9} {:>10}   {:>17}   {:>12}\n", "", "ms: mixture, dispatched by",
             "dense, as", "dense, as", "MB of weights read", "tokens over");
  text.print("{:>5}  {:>12} {:>11} {:>12}   {:>9} {:>10}   {:>8} {:>9}   {:>12}\n", "rows", "tokens",
             "experts", "segments", "active", "all", "expected", "counted", "segments");
  Json data = Json::array();
  for (const int batch : batches) {
    const Matrix x = *some_weights(batch, hidden, 100 + static_cast<std::uint64_t>(batch)) * 32;
    Matrix out(batch, hidden);
    std::array<std::vector<double>, 5> seconds;
    std::vector<double> ratios;
    for (int i = 0; i <= rounds; ++i) {
      std::array<double, 5> now{};
      for (std::size_t l = 0; l < layers.size(); ++l) now[l] = seconds_of(*layers[l], x, out);
      if (i == 0) continue;  // warms up
      for (std::size_t l = 0; l < layers.size(); ++l) seconds[l].push_back(now[l]);
      ratios.push_back(now[0] / now[2]);
    }
    const auto milliseconds = [&](std::size_t l) { return 1e3 * measure::median(seconds[l]); };
    const auto one = static_cast<double>(by_segment.expert_cost().bytes) / static_cast<double>(experts);
    const double expected = expected_experts(experts, used, batch) * one / 1e6;
    const double counted = static_cast<double>(by_segment.run_bytes(by_segment.route(x))) / 1e6;
    text.print(
        "{:>5}  {:>12.2f} {:>11.2f} {:>12.2f}   {:>9.2f} {:>10.2f}   {:>8.0f} {:>9.0f}   {:>10.1f} x\n",
        batch, milliseconds(0), milliseconds(1), milliseconds(2), milliseconds(3), milliseconds(4), expected,
        counted, measure::median(ratios));
    data.push_back({{"rows", batch},
                    {"tokens", milliseconds(0)},
                    {"experts", milliseconds(1)},
                    {"segments", milliseconds(2)},
                    {"active", milliseconds(3)},
                    {"all", milliseconds(4)},
                    {"ratio", measure::median(ratios)}});
  }
  return data;
}

}  // namespace

std::vector<DemoPart> cost_parts() {
  return {{"touched", "how many different experts a batch touches", show_touched},
          {"sizes", "parameters in all and of one token", show_sizes},
          {"speed", "one layer, dispatched in three ways, beside dense ones", show_speed}};
}

}  // namespace rung

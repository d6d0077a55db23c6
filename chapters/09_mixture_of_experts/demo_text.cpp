// Routers on a real model's activations. Nobody has trained a router for SmolLM2: here each is made of clusters of what the
// feed-forward layer gets on a text, so that rows that are alike go to the same expert.

#include <algorithm>
#include <cmath>
#include <map>
#include <memory>
#include <string>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "chapters/01_tokens/tokenizer.h"
#include "chapters/09_mixture_of_experts/demo_parts.h"
#include "chapters/09_mixture_of_experts/expert_load.h"
#include "chapters/09_mixture_of_experts/group_routing.h"

namespace rung {
namespace {

using Json = nlohmann::ordered_json;

constexpr const char* passage =
    "The harbour was quiet that morning. A thin mist lay over the water, and the boats that had come in "
    "during "
    "the night were tied up along the wall, their nets still wet. Anna counted eleven of them before the "
    "baker "
    "opened his door. She had promised her brother that she would wait for the post, but the cart was late, "
    "as "
    "it was every Monday when the road from the hills had been washed out by the rain. So she bought a loaf, "
    "sat "
    "down on an old crate, and watched the gulls fight over what the fishermen had thrown away. \"You will "
    "miss "
    "the ferry,\" said the baker. \"Then I shall take the next one,\" she answered, \"it leaves at 10:30.\" "
    "In the "
    "year 1912 there were 48 boats here; in 1950 there were 17. The reasons are well known: larger ships, "
    "deeper "
    "ports, and fish that went elsewhere. For i = 1 to n, add x[i] to the sum; when n = 0, the sum is 0. The "
    "old "
    "men did not talk about it. They mended nets, drank tea, and said that the wind would turn before the "
    "evening.";

/// What the feed-forward layers of a model get on a text.
class LayerInputs : public Trace {
 public:
  LayerInputs(const DemoInput& input, const std::string& text) {
    const Tokenizer tokenizer(input.checkpoint.tokenizer());
    const std::vector<std::int32_t> tokens = tokenizer.encode(text);
    for (const std::int32_t token : tokens) pieces_.push_back(tokenizer.piece_bytes(token));
    const auto stage = input.stage(
        "grouped", {.max_positions = static_cast<std::int32_t>(tokens.size()), .max_sequences = 1});
    Batch batch;
    batch.add(0, 0, tokens, Batch::Logits::last);
    stage->forward(batch, this);
  }
  void see(std::string_view point, const ConstMatrixView& values) override {
    if (point.ends_with(".feed_forward.norm")) points_[std::string(point)] = values;
  }
  /// Of a layer, [T - 1, hidden], each row scaled to length 1. Without the first token, whose row is like no other's.
  Matrix rows(std::int64_t layer) const {
    const Matrix& all = points_.at(fmt::format("layers.{}.feed_forward.norm", layer));
    return all.bottomRows(all.rows() - 1).rowwise().normalized();
  }
  std::vector<std::string> pieces() const { return {pieces_.begin() + 1, pieces_.end()}; }

 private:
  std::vector<std::string> pieces_;
  std::map<std::string, Matrix> points_;
};

/// A router: the centres of `experts` clusters of directions, less what all rows have in common.
/// @param rows  [T, hidden] of length 1
/// @return [E, hidden]
Matrix cluster_router(const Matrix& rows, std::int64_t experts) {
  const Eigen::RowVectorXf common = rows.colwise().mean();
  const Matrix directions = (rows.rowwise() - common).rowwise().normalized();
  // Begin with rows far from each other: each next one is least like those before it.
  Matrix centres(experts, rows.cols());
  centres.row(0) = directions.row(0);
  for (Eigen::Index e = 1; e < experts; ++e) {
    const Vector nearest = (directions * centres.topRows(e).transpose()).rowwise().maxCoeff();
    Eigen::Index farthest = 0;
    nearest.minCoeff(&farthest);
    centres.row(e) = directions.row(farthest);
  }
  for (int round = 0; round < 30; ++round) {
    const Routing nearest = softmax_then_top_k(directions * centres.transpose(), 1, false);
    Matrix sums = Matrix::Zero(experts, rows.cols());
    for (Eigen::Index t = 0; t < directions.rows(); ++t)
      sums.row(nearest.chosen[static_cast<std::size_t>(t)]) += directions.row(t);
    for (Eigen::Index e = 0; e < experts; ++e) {
      if (sums.row(e).norm() > 0) centres.row(e) = sums.row(e).normalized();
    }
  }
  return 8 * centres;  // scores of some size, so that weights are not all alike
}

Matrix scores_of(const Matrix& router, const Matrix& rows, const Matrix& trained_on) {
  return (rows.rowwise() - Eigen::RowVectorXf(trained_on.colwise().mean())) * router.transpose();
}

Json show_sentence(const DemoInput& input, DemoText& text) {
  const std::string sentence =
      input.text_or("On 3 May 1912 the ship left the harbour, and nobody saw her again.");
  const LayerInputs trained(input, passage), read(input, sentence);
  const std::int64_t last = input.checkpoint.config().layers - 1;
  const std::vector<std::string> pieces = read.pieces();
  Json data{{"pieces", pieces}, {"layers", Json::array()}};
  text.print("routers made of clusters of a passage of {} tokens; the sentence's tokens by expert\n\n",
             trained.pieces().size());
  for (const auto& [layer, experts] : {std::pair{last / 2, std::int64_t{2}},
                                       {std::int64_t{0}, std::int64_t{4}},
                                       {last / 2, std::int64_t{4}},
                                       {last, std::int64_t{4}}}) {
    const Matrix rows = trained.rows(layer);
    const Matrix router = cluster_router(rows, experts);
    const Routing routing = softmax_then_top_k(scores_of(router, read.rows(layer), rows), 1, false);
    text.print("layer {}, {} experts, top-1\n", layer, experts);
    for (std::int32_t e = 0; e < experts; ++e) {
      std::string line;
      for (std::size_t t = 0; t < pieces.size(); ++t) {
        if (routing.chosen[t] == e) line += fmt::format(" {}", in_quotes(pieces[t]));
      }
      text.print("  {}:{}\n", e, line);
    }
    data["layers"].push_back(
        {{"layer", layer}, {"experts", experts}, {"chosen", routing.chosen}, {"weights", routing.weights}});
  }
  return data;
}

/// Means of how many experts `batch` neighbouring rows touch.
double touched_by_neighbours(const Routing& routing, std::int64_t batch) {
  double sum = 0;
  std::int64_t count = 0;
  for (std::int64_t first = 0; first + batch <= routing.rows; first += batch, ++count)
    sum += static_cast<double>(experts_touched(routing, first, batch));
  return sum / static_cast<double>(count);
}

Json show_loads(const DemoInput& input, DemoText& text) {
  constexpr std::int64_t experts = 8, used = 2;
  constexpr std::int64_t batch = 8;
  const LayerInputs inputs(input, passage);
  const std::int64_t last = input.checkpoint.config().layers - 1;
  text.print("{} tokens, {} experts, {} each; routers of clusters, weights by sigmoids\n\n",
             inputs.pieces().size(), experts, used);
  text.print("{:<7} {:<18} {:<36} {:>8} {:>10} {:>6} {:>15}\n", "layer", "", "rows of each expert", "entropy",
             "imbalance", "loss", "touched by 8");
  Json data = Json::array();
  for (const std::int64_t layer : {std::int64_t{0}, last / 2, last}) {
    const Matrix rows = inputs.rows(layer);
    const Matrix scores = scores_of(cluster_router(rows, experts), rows, rows);
    for (const int updates : {0, 500}) {
      Vector bias = Vector::Zero(experts);
      for (int i = 0; i < updates; ++i) {
        update_bias(expert_load(sigmoid_in_groups(scores, bias, used, {})).counts, 0.002F,
                    {bias.data(), static_cast<std::size_t>(experts)});
      }
      const Routing routing = sigmoid_in_groups(scores, bias, used, {});
      const ExpertLoad load = expert_load(routing);
      const double touched = touched_by_neighbours(routing, batch);
      text.print("{:<7} {:<18} {:<36} {:>8.3f} {:>10.2f} {:>6.3f} {:>15.2f}\n", layer,
                 updates == 0 ? "as it is" : fmt::format("{} updates", updates),
                 fmt::format("{:>4}", fmt::join(load.counts, "")), load.entropy, load.imbalance,
                 balance_loss(scores, routing), touched);
      data.push_back({{"layer", layer},
                      {"updates", updates},
                      {"counts", load.counts},
                      {"imbalance", load.imbalance},
                      {"touched", touched}});
    }
  }
  text.print(
      "\neven: entropy ln {} = {:.3f}, imbalance 1, loss 1; rows that choose by themselves: {:.2f} touched "
      "by {}\n",
      experts, std::log(static_cast<double>(experts)), expected_experts(experts, used, batch), batch);
  return data;
}

}  // namespace

std::vector<DemoPart> text_parts() {
  return {{"sentence", "which expert each token of a sentence goes to, with routers made of clusters",
           show_sentence},
          {"loads", "how evenly such routers use eight experts, and what a bias does about it", show_loads}};
}

}  // namespace rung

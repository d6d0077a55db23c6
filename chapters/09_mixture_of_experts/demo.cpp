#include "chapters/09_mixture_of_experts/demo.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <iterator>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "chapters/09_mixture_of_experts/capacity.h"
#include "chapters/09_mixture_of_experts/demo_parts.h"
#include "chapters/09_mixture_of_experts/group_routing.h"
#include "chapters/09_mixture_of_experts/segments.h"
#include "chapters/09_mixture_of_experts/toy_mixture.h"

namespace rung {
namespace {

using Json = nlohmann::ordered_json;

/// An expert that multiplies.
class Times : public FeedForward {
 public:
  explicit Times(float factor) : factor_(factor) {}
  std::int64_t weight_bytes() const override { return sizeof(float); }
  std::int64_t flops_per_row() const override { return 0; }
  void run(const ConstMatrixView& x, MatrixView out, Trace* /*trace*/,
           const std::string& /*point*/) const override {
    out = factor_ * x;
  }

 private:
  float factor_;
};

Json show_toy(const DemoInput& /*input*/, DemoText& text) {
  // [toy]
  Matrix x(4, 2), router(2, 2), out(4, 2);
  x << 2, 0, 0, 1, 1, 1, -1, 1;
  router << 1, 0, 0, 1;  // expert 0 looks at the first number, expert 1 at the second
  const Times ten(10), hundred(100);
  toy_mixture(x, router, {&ten, &hundred}, out);
  // [toy]
  text.print("row          x   score 0   score 1   expert   weight   out\n");
  for (Eigen::Index t = 0; t < x.rows(); ++t) {
    const std::array scores = {x(t, 0), x(t, 1)};
    const bool second = scores[1] > scores[0];
    const double weight = 1 / (1 + std::exp(-std::abs(static_cast<double>(scores[0] - scores[1]))));
    text.print("{:>3} {:>10} {:>9} {:>9} {:>8} {:>8.3f}   ({:.2f}, {:.2f})\n", t,
               fmt::format("({}, {})", x(t, 0), x(t, 1)), scores[0], scores[1], second ? 1 : 0, weight,
               static_cast<double>(out(t, 0)), static_cast<double>(out(t, 1)));
  }
  return nullptr;
}

Json show_example(const DemoInput& /*input*/, DemoText& text) {
  Matrix scores(1, 4);
  scores << 1, 3, 0, 2;
  const Routing all = softmax_then_top_k(scores, 4, false);
  const Routing kept = softmax_then_top_k(scores, 2, false), mixtral = softmax_then_top_k(scores, 2, true);
  const Routing other = top_k_then_softmax(scores, 2);
  const auto place = [](const Routing& routing, std::int32_t expert) {
    return std::ranges::find(routing.chosen, expert) - routing.chosen.begin();
  };
  const auto weight = [&](const Routing& routing, std::int32_t expert) {
    const auto at = place(routing, expert);
    if (at == std::ssize(routing.chosen)) return std::string("-");
    return fmt::format("{:.4f}", routing.weights[static_cast<std::size_t>(at)]);
  };
  text.print("expert   score   softmax   top 2    renormalised   softmax of the top 2\n");
  for (std::int32_t e = 0; e < 4; ++e) {
    text.print("{:>6} {:>7} {:>9} {:>7} {:>15} {:>22}\n", e, scores(0, e), weight(all, e), weight(kept, e),
               weight(mixtral, e), weight(other, e));
  }
  return nullptr;
}

Json show_rules(const DemoInput& /*input*/, DemoText& text) {
  Matrix scores(1, 8);
  scores << 1, 3, 0, 2, 0.5F, -1, 2.5F, 2.75F;
  const Vector none = Vector::Zero(8);
  Vector bias = none;
  bias[0] = 0.25F;
  bias[1] = -0.25F;
  text.print("the scores of eight experts: {}\n\n", fmt::join(scores.data(), scores.data() + 8, ", "));
  text.print("{:<50} {:<12} {}\n", "rule", "experts", "weights");
  for (const auto& [name, routing] : std::vector<std::pair<std::string, Routing>>{
           {"Switch: softmax, top 1", softmax_then_top_k(scores, 1, false)},
           {"Qwen-MoE: softmax, top 4", softmax_then_top_k(scores, 4, false)},
           {"Mixtral: softmax, top 2, renormalised", softmax_then_top_k(scores, 2, true)},
           {"sigmoids, top 2, renormalised", sigmoid_in_groups(scores, none, 2, {})},
           {"the same, bias +0.25 for 0 and -0.25 for 1", sigmoid_in_groups(scores, bias, 2, {})},
           {"DeepSeek-V3: and of 4 groups the best 1", sigmoid_in_groups(scores, bias, 2, {.groups = 4})}}) {
    text.print("{:<50} {:<12} {:.4f}\n", name, fmt::format("{}", fmt::join(routing.chosen, " ")),
               fmt::join(routing.weights, "  "));
  }
  return nullptr;
}

Routing three_rows() {
  Routing routing = empty_routing(3, 4, 2);
  routing.chosen = {3, 1, 1, 0, 3, 0};
  routing.weights = {0.75F, 0.25F, 0.625F, 0.375F, 0.5F, 0.5F};
  return routing;
}

Json show_segments(const DemoInput& /*input*/, DemoText& text) {
  const Routing routing = three_rows();
  const ExpertSegments segments = segments_of(routing);
  for (std::int64_t t = 0; t < routing.rows; ++t) {
    const auto i = static_cast<std::size_t>(2 * t);
    text.print("row {} goes to expert {} with {} and to {} with {}\n", t, routing.chosen[i],
               routing.weights[i], routing.chosen[i + 1], routing.weights[i + 1]);
  }
  text.print("\nplace                ");
  for (std::int64_t p = 0; p < segments.places(); ++p) text.print("{:>7}", p);
  text.print("\nexpert               ");
  for (std::int64_t e = 0; e < segments.experts(); ++e) {
    for (std::int64_t i = 0; i < segments.count(e); ++i) text.print("{:>7}", e);
  }
  text.print("\nrow_of               ");
  for (const std::int32_t row : segments.row_of) text.print("{:>7}", row);
  text.print("\nweight_of            ");
  for (const float weight : segments.weight_of) text.print("{:>7}", weight);
  text.print("\noffsets              [{}]\n", fmt::join(segments.offsets, ", "));
  return nullptr;
}

/// Which experts each row is worked on by.
std::vector<std::string> served(const ExpertSegments& segments) {
  std::vector<std::string> rows(static_cast<std::size_t>(segments.rows));
  for (std::int64_t e = 0; e < segments.experts(); ++e) {
    for (std::int64_t p = segments.offsets[static_cast<std::size_t>(e)];
         p < segments.offsets[static_cast<std::size_t>(e) + 1]; ++p) {
      std::string& row = rows[static_cast<std::size_t>(segments.row_of[static_cast<std::size_t>(p)])];
      row += fmt::format("{}{}", row.empty() ? "" : " ", e);
    }
  }
  for (std::string& row : rows) {
    if (row.empty()) row = "none";
  }
  return rows;
}

Json show_room(const DemoInput& /*input*/, DemoText& text) {
  Matrix scores(6, 4);
  // Rows of different sums, so that no expert gives two rows the same: rounding would say which is first.
  scores << 3, 1, 0, 2, 4.5, 2, 0, 1, 2, 0, 2.5, 1, 5, 0, 1, 2, 2, 4, 1, 0, 3.5, 0, 2, 1;
  const auto in_room = [](const ConstMatrixView& of) {
    const Routing routing = softmax_then_top_k(of, 2, true);
    return served(segments_within(routing, expert_capacity(of.rows(), of.cols(), 2, 1)));
  };
  const auto choosing = [](const ConstMatrixView& of) {
    return served(expert_choice(of, expert_capacity(of.rows(), of.cols(), 2, 1)));
  };
  const Matrix later = scores.bottomRows(3);
  const Routing free = softmax_then_top_k(scores, 2, true);
  const auto room = in_room(scores), choice = choosing(scores), room_later = in_room(later),
             choice_later = choosing(later);
  text.print(
      "six rows, four experts, two each; room for 3 rows an expert, which is a capacity factor of 1\n");
  text.print("{:<5} {:<10} {:<18} {:<18} {:<18} {:<18}\n", "", "", "whole batch:", "",
             "its last 3 rows:", "");
  text.print("{:<5} {:<10} {:<18} {:<18} {:<18} {:<18}\n", "row", "chosen", "with room for 3",
             "experts choose", "with room for 2", "experts choose");
  for (std::size_t t = 0; t < 6; ++t) {
    text.print("{:<5} {:<10} {:<18} {:<18} {:<18} {}\n", t, experts_of(free, static_cast<std::int64_t>(t)),
               room[t], choice[t], t < 3 ? "" : room_later[t - 3], t < 3 ? "" : choice_later[t - 3]);
  }
  return nullptr;
}

}  // namespace

std::vector<DemoPart> small_parts() {
  return {{"toy", "two experts, top-1: four rows by hand", show_toy},
          {"example", "one row's scores of four experts, and what becomes of them", show_example},
          {"rules", "the same scores under the rules of six models", show_rules},
          {"segments", "three rows sorted by expert", show_segments},
          {"room", "experts with room for so many rows, and experts that choose", show_room}};
}

std::string experts_of(const Routing& routing, std::int64_t row) {
  const auto first = routing.chosen.begin() + row * routing.used;
  return fmt::format("{}", fmt::join(first, first + routing.used, " "));
}

Demo mixture_demo() {
  Demo demo{.chapter = 9, .title = "How can a model have many parameters and use few of them?", .parts = {}};
  for (std::vector<DemoPart> some : {small_parts(), text_parts(), cost_parts()})
    std::ranges::move(some, std::back_inserter(demo.parts));
  return demo;
}

}  // namespace rung

// The blocks of Mixtral, Qwen2-MoE and DeepSeek-V3 on the same rows, against what their published code gives.

#include <fstream>
#include <string>

#include <nlohmann/json.hpp>

#include "chapters/09_mixture_of_experts/gated_expert.h"
#include "chapters/09_mixture_of_experts/group_routing.h"
#include "tests/catch.h"
#include "tests/chapters/09_mixture_of_experts/some_experts.h"

using namespace rung;
using namespace rung::testing;

namespace {

constexpr Eigen::Index rows = 6, hidden = 8;

/// The largest difference, as a share of the largest number.
double off_by(const ConstMatrixView& found, const nlohmann::json& golden) {
  double worst = 0, largest = 0;
  for (Eigen::Index t = 0; t < found.rows(); ++t) {
    REQUIRE(golden.at(static_cast<std::size_t>(t)).size() == static_cast<std::size_t>(found.cols()));
    for (Eigen::Index n = 0; n < found.cols(); ++n) {
      const double expected = golden[static_cast<std::size_t>(t)][static_cast<std::size_t>(n)].get<double>();
      worst = std::max(worst, std::abs(static_cast<double>(found(t, n)) - expected));
      largest = std::max(largest, std::abs(expected));
    }
  }
  return worst / largest;
}

void compare(const MixtureOfExperts& block, const std::string& name) {
  const nlohmann::json golden =
      nlohmann::json::parse(std::ifstream(std::string(RUNG_SOURCE_DIR) + "/tests/golden/routing.json"))
          .at(name);
  const Matrix x = scattered_numbers(rows, hidden, 0);
  const Routing routing = block.route(x);
  std::vector<std::int32_t> chosen;
  for (const nlohmann::json& row : golden.at("chosen")) {
    for (const nlohmann::json& expert : row) chosen.push_back(expert.get<std::int32_t>());
  }
  CHECK(routing.chosen == chosen);
  CHECK(off_by(Eigen::Map<const Matrix>(routing.weights.data(), rows, routing.used), golden.at("weights")) <
        2e-6);
  CHECK(off_by(output_of(block, x), golden.at("output")) < 5e-6);
}

}  // namespace

TEST_CASE("Mixtral's block as transformers has it, however it is dispatched") {
  for (const Dispatch dispatch : {Dispatch::tokens, Dispatch::experts, Dispatch::segments}) {
    compare({dense(scattered_numbers(8, hidden, 1)), some_experts(8, hidden, 6, 10), top(2), 2, dispatch},
            "mixtral");
  }
}

TEST_CASE("Qwen2-MoE's block as transformers has it: not renormalised, with a gated shared expert") {
  compare({dense(scattered_numbers(12, hidden, 2)), some_experts(12, hidden, 5, 40), top(4, false), 4,
           Dispatch::segments,
           std::make_unique<GatedExpert>(dense(scattered_numbers(1, hidden, 3)),
                                         one_expert(hidden, 10, 40 + 3 * 12))},
          "qwen2_moe");
}

TEST_CASE("DeepSeek-V3's block as transformers has it: sigmoids, bias, groups, a shared expert") {
  const Vector bias = scattered_numbers(16, 1, 5).col(0).array() / 4 + 0.25F;
  const auto rule = [bias](const ConstMatrixView& scores) {
    return sigmoid_in_groups(scores, bias, 4,
                             {.groups = 4, .groups_used = 2, .renormalize = true, .scale = 2.5F});
  };
  compare({dense(scattered_numbers(16, hidden, 4)), some_experts(16, hidden, 5, 80), rule, 4,
           Dispatch::segments, one_expert(hidden, 5, 80 + 3 * 16)},
          "deepseek_v3");
}

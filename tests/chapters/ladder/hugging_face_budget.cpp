// The oracle and the measured budget against numbers of software we did not write: what Hugging Face
// transformers computes in fp32 must be as near to the fp64 oracle as any right fp32 stage.

#include <cmath>
#include <fstream>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "core/check/model_reference.h"
#include "core/check/npy.h"
#include "core/check/point_watch.h"
#include "core/checkpoint/checkpoint.h"
#include "tests/catch.h"
#include "tests/chapters/ladder/models.h"

TEST_CASE("transformers' logits are within the budget of the oracle's") {
  using namespace rung;
  const auto folder = testing::model_path("cases.json").parent_path();
  const auto cases = nlohmann::json::parse(std::ifstream(folder / "cases.json"));
  REQUIRE(cases.size() >= 8);
  for (const auto& one : cases) {
    const auto name = one.at("name").get<std::string>();
    const auto tokens = one.at("tokens").get<std::vector<std::int32_t>>();
    const Checkpoint checkpoint = Checkpoint::open(folder / name);
    const auto reference = check::measure_reference(oracle::Transformer(checkpoint), tokens,
                                                    check::NumberType::f32, 1, check::KeepPoints::budgets);
    const std::vector<double> theirs = read_npy(folder / name / "logits.npy").as_double();
    REQUIRE(theirs.size() == reference.logits.values.size());
    double largest = 0;
    for (std::size_t i = 0; i < theirs.size(); ++i) {
      largest = std::max(largest, std::abs(theirs[i] - reference.logits.values[i]));
    }
    INFO(name << ": off by " << largest << ", "
              << check::share_text(check::percent_of(largest, reference.budget)));
    CHECK(largest > 0);
    CHECK(largest <= reference.budget);
  }
}

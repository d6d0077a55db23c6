// ./rung plan: presets, files, hardware, and what it refuses.

#include <fstream>
#include <string>

#include <nlohmann/json.hpp>

#include "tests/catch.h"
#include "tests/cli/run_rung.h"
#include "tests/support/temporary_directory.h"

using rung::support::refuses;
using rung::support::run_rung;

namespace {

nlohmann::json planned(const std::string& arguments) {
  const auto ran = run_rung("plan " + arguments + " --json");
  INFO(ran.err);
  REQUIRE(ran.status == 0);
  return nlohmann::json::parse(ran.out);
}

}  // namespace

TEST_CASE("plan gives exact parameters, and whether they fit") {
  const auto json = planned("llama2-7b llama2-13b mixtral-8x7b --gpu rtx4090");
  CHECK(json["models"][0]["parameters"]["total"] == 6'738'415'616);
  CHECK(json["models"][1]["parameters"]["total"] == 13'015'864'320);
  CHECK(json["models"][2]["parameters"]["total"] == 46'702'792'704);
  CHECK(json["models"][2]["active_parameters"] == 12'879'925'248);
  CHECK(json["models"][0]["fits"] == true);
  CHECK(json["models"][1]["fits"] == false);
  const auto text = run_rung("plan llama2-7b gpt4-16x110b --gpu a100-80 --gpus 64");
  CHECK(text.out.find("6,738,415,616") != std::string::npos);
  CHECK(text.out.find("a rumour") != std::string::npos);
}

TEST_CASE("plan takes files: as they are stored, or as they would be") {
  const auto stored = planned("tiny --gpu l4 --context 64")["models"][0];
  const auto inspected = nlohmann::json::parse(run_rung("inspect tiny --json").out);
  CHECK(stored["parameters"]["total"] == inspected["parameters"]);
  CHECK(stored["weight_bytes"]["total"] == inspected["bytes"]);
  const auto wider = planned("tiny --gpu l4 --context 64 --weights f32")["models"][0];
  CHECK(wider["weight_bytes"]["total"] == 4 * inspected["parameters"].get<std::int64_t>());
  const std::string directory = std::string(RUNG_SOURCE_DIR) + "/tests/golden/hf/llama_mha";
  CHECK(planned(directory + " --gpu l4 --weights f16")["models"][0]["parameters"] ==
        planned(directory + "/config.json --gpu l4")["models"][0]["parameters"]);
}

TEST_CASE("plan takes hardware of one's own, several of it, and draws") {
  const rung::support::TemporaryDirectory folder;
  const auto drawing = (folder.path() / "plan.svg").string();
  const auto own = planned("llama2-7b --bandwidth 1000 --flops 100 --memory 24 --gpus 2 --svg " + drawing);
  CHECK(own["device"]["bytes_per_second"] == 1e12);
  CHECK(own["device"]["count"] == 2);
  std::ifstream in(drawing);
  std::string first;
  std::getline(in, first);
  CHECK(first.starts_with("<svg "));
  CHECK(planned("llama2-7b --context 64")["device"]["bytes_per_second"] > 1e9);  // this CPU
}

TEST_CASE("plan refuses a preset of one's own that is incomplete, by field") {
  const rung::support::TemporaryDirectory folder;
  const std::string file = (folder.path() / "mine.json").string();
  std::ofstream(file)
      << R"({"name": "mine", "sources": {"me": "I"}, "dimensions": {"layers": {"value": 1, "source": "me"}}})";
  refuses("plan " + file + " --gpu l4", 1, "hidden");
}

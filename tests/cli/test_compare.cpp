// logits, trace and ladder: the commands that hold one stage against another.

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "core/check/npy.h"
#include "tests/catch.h"
#include "tests/cli/run_rung.h"
#include "tests/support/temporary_directory.h"

using rung::support::run_rung;

TEST_CASE("logits of every stage and of the oracle are those of the same model") {
  const rung::support::TemporaryDirectory folder;
  std::string tokens;  // more than are run at a time
  for (int i = 0; i < 150; ++i) tokens += std::to_string(7 * i % 1024) + " ";

  const auto logits = [&](const std::string& stage) {
    const std::filesystem::path file = folder.path() / (stage + ".npy");
    const auto ran =
        run_rung("logits tiny --tokens '" + tokens + "' --stage " + stage + " --out " + file.string());
    INFO(ran.err);
    REQUIRE(ran.status == 0);
    CHECK(ran.out.empty());
    const rung::NpyArray array = rung::read_npy(file);
    CHECK(array.type == rung::NpyType::float32);
    REQUIRE(array.shape == rung::Shape{150, 1024});
    return array.as_double();
  };
  const auto oracle = logits("oracle");
  const auto apart = [&](const std::vector<double>& values) {
    double largest = 0;
    for (std::size_t i = 0; i < values.size(); ++i)
      largest = std::max(largest, std::abs(values[i] - oracle[i]));
    return largest;
  };
  CHECK(apart(logits("recompute")) < 2e-4);
  CHECK(apart(logits("kv_cache")) < 2e-4);
  CHECK(apart(logits("rope_interleaved")) > 0.1);
  // Nothing but the four files: no half-written neighbour is left.
  CHECK(std::distance(std::filesystem::directory_iterator(folder.path()), {}) == 4);
}

TEST_CASE("logits that cannot be written whole leave nothing behind") {
  const rung::support::TemporaryDirectory folder;
  const auto ran = run_rung("logits tiny --tokens '1 2' --stage kv_cache --out " +
                            (folder.path() / "no" / "x.npy").string());
  CHECK(ran.status == 1);
  CHECK(std::filesystem::is_empty(folder.path()));
}

TEST_CASE("trace finds no difference where there is none, and names the first point where there is") {
  const auto same = run_rung("trace recompute kv_cache -m tiny 'In the beginning' --all");
  INFO(same.out << same.err);
  CHECK(same.status == 0);
  CHECK(same.out.find("do not part") != std::string::npos);
  CHECK(same.out.find("layers.3.feed_forward.activation") != std::string::npos);

  const auto wrong = run_rung("trace kv_cache gelu_for_silu -m tiny 'In the beginning' --json");
  CHECK(wrong.status == 1);
  const auto report = nlohmann::json::parse(wrong.out);
  CHECK(report.at("parted") == true);
  CHECK(report.at("first") == "layers.0.feed_forward.activation");
  CHECK(report.at("points").size() == 1 + 4 * (9 + 6) + 2);
}

TEST_CASE("the ladder has a row for every stage, all within their budgets") {
  const auto ran = run_rung("ladder -m tiny --json");
  INFO(ran.err);
  REQUIRE(ran.status == 0);
  const auto report = nlohmann::json::parse(ran.out);
  CHECK(report.at("checked_on") == "tiny");
  const auto& stages = report.at("stages");
  REQUIRE(stages.size() >= 3);
  CHECK(stages[0].at("name") == "recompute");
  CHECK(stages[0].at("kv_bytes_per_position") == 0);
  CHECK(stages[1].at("checked_against") == "recompute");
  CHECK(stages[1].at("kv_bytes_per_position") == 4 * 2 * 6 * 32 * 4);  // layers · (k and v) · H · D · fp32
  CHECK(stages[2].at("name") == "grouped");
  CHECK(stages[2].at("kv_bytes_per_position").get<int>() < 4 * 2 * 6 * 32 * 4);  // G heads
  const auto checked = nlohmann::json::parse(run_rung("check kv_cache --json").out);
  CHECK(stages[1].at("budget_percent") == checked.at("stages").at(0).at("percent"));  // on the same texts
  for (const auto& stage : stages) {
    CHECK(stage.at("passed") == true);
    CHECK(stage.at("budget_percent") > 0);
    CHECK(stage.at("budget_percent") < 100);
    CHECK(stage.at("prefill_tokens_per_second") > 0);
    CHECK(stage.at("decode_tokens_per_second") > 0);
  }
}

TEST_CASE("bench's JSON takes a path that is no UTF-8") {
  const rung::support::TemporaryDirectory folder;
  std::filesystem::create_symlink(std::string(RUNG_SOURCE_DIR) + "/models/tiny.gguf",
                                  folder.path() / "\xFF.gguf");
  const auto ran = run_rung("bench --json --runs 1 -m " + (folder.path() / "\xFF.gguf").string());
  INFO(ran.err);
  REQUIRE(ran.status == 0);
  const auto report = nlohmann::json::parse(ran.out);
  CHECK(report.at("model").get<std::string>().ends_with("\xEF\xBF\xBD.gguf"));
  CHECK(report.at("decode").at("share") > 0);
  CHECK(report.at("decode").at("flops_per_byte").get<double>() == Approx(0.5));  // two FLOPs for four bytes
}

TEST_CASE("bench after so many positions counts the cache that a token reads") {
  const auto ran = run_rung("bench -m tiny --stage grouped --kv f16 --contexts 128,16 --runs 1 --json");
  INFO(ran.err);
  REQUIRE(ran.status == 0);
  const auto report = nlohmann::json::parse(ran.out);
  const auto& contexts = report.at("contexts");
  REQUIRE(contexts.size() == 2);
  const auto inspected = run_rung("inspect tiny --json");
  const auto config = nlohmann::json::parse(inspected.out).at("config");
  // A key and a value of every layer and stored head, two bytes a number.
  const double position = 4.0 * config.at("layers").get<double>() * config.at("kv_heads").get<double>() *
                          config.at("head_dim").get<double>();
  std::vector<int> lengths;
  for (const auto& row : contexts) {
    lengths.push_back(row.at("context"));
    // 16 tokens, after context + 0 to context + 15 positions; each writes its own.
    CHECK(row.at("kv_bytes_per_token").get<double>() == Approx(position * (lengths.back() + 7.5 + 1)));
    CHECK(row.at("tokens_per_second") > 0);
  }
  CHECK(lengths == std::vector<int>{16, 128});
  CHECK(report.at("memory").at("peak_bytes") <= report.at("memory").at("limit_bytes"));
}

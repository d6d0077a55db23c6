#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <string>

#include <nlohmann/json.hpp>

#include "tests/catch.h"
#include "tests/cli/run_rung.h"
#include "tests/support/temporary_directory.h"

using rung::support::refuses;
using rung::support::run_rung;

TEST_CASE("synthesize writes a model that runs, and leaves what is there alone") {
  const rung::support::TemporaryDirectory folder;
  const std::string file = (folder.path() / "m.gguf").string();
  const std::string small = " --layers 2 --shrink 16";
  const auto ran = run_rung("synthesize mistral-7b " + file + small + " --type q4_0");
  INFO(ran.err);
  REQUIRE(ran.status == 0);
  CHECK(ran.out.find("Q4_0") != std::string::npos);
  const auto inspected = run_rung("inspect " + file + " --json");
  REQUIRE(inspected.status == 0);
  CHECK(inspected.out.find("sliding_window") != std::string::npos);
  CHECK(run_rung("tokenize " + file + " 'Once upon a time'").status == 0);
  CHECK(run_rung("generate 'Once upon a time' -n 2 -m " + file).status == 0);

  refuses("synthesize mistral-7b " + file + small, 2, "--force");
  CHECK(run_rung("synthesize mistral-7b " + file + small + " --seed 2 --force").status == 0);
}

TEST_CASE("a synthesized mixture runs in moe unless told otherwise, and stages before it are refused") {
  const rung::support::TemporaryDirectory folder;
  const std::string file = (folder.path() / "m.gguf").string();
  REQUIRE(run_rung("synthesize gpt4-shaped " + file + " --layers 2 --shrink 56").status == 0);
  const auto inspected = run_rung("inspect " + file);
  CHECK(inspected.out.find("16 in every layer, 2 for each token") != std::string::npos);
  CHECK(inspected.out.find("layers.*.feed_forward.experts.*.gate.weight") != std::string::npos);
  const auto json = nlohmann::json::parse(run_rung("inspect " + file + " --json").out);
  // Two layers, in each of which 14 of 16 experts are not used.
  const std::int64_t expert = 3 * 192 * 512;
  CHECK(json.at("parameters").get<std::int64_t>() - json.at("active_parameters").get<std::int64_t>() ==
        2 * 14 * expert);
  for (const char* const stage : {"", " --stage moe", " --stage moe_int4"}) {
    const auto ran = run_rung("generate 'Once upon a time' -n 2 -m " + file + stage);
    INFO(ran.err);
    CHECK(ran.status == 0);
  }
  refuses("generate 'Once upon a time' -n 2 --stage kv_cache -m " + file, 2,
          "stage kv_cache runs no mixture of experts; take --stage moe");
  refuses("check kv_cache -m " + file, 2, "take --stage moe");
}

TEST_CASE("synthesize leaves nothing when it is interrupted") {
  const rung::support::TemporaryDirectory folder;
  const std::string file = (folder.path() / "m.gguf").string();
  // The whole 7B would take minutes; it is stopped after a second.
  const std::string line = std::string("timeout -s INT 1 '") + RUNG_CLI + "' synthesize mistral-7b '" + file +
                           "' >/dev/null 2>&1 </dev/null";
  CHECK(std::system(line.c_str()) != 0);
  CHECK(std::filesystem::is_empty(folder.path()));
}

TEST_CASE("synthesize refuses what it cannot write") {
  const rung::support::TemporaryDirectory folder;
  const std::string file = (folder.path() / "m.gguf").string();
  refuses("synthesize gpt-9 " + file, 2, "mistral-7b");
  refuses("synthesize mistral-7b " + file + " --type q9", 2, "--type");
  refuses("synthesize mistral-7b " + file + " --seed -1", 2, "--seed");
  refuses("synthesize mistral-7b " + folder.path().string(), 2, "directory");
  refuses("synthesize mistral-7b " + (folder.path() / "none" / "m.gguf").string(), 1, "none");
  refuses("synthesize mistral-7b", 2, "out");
  CHECK(std::filesystem::is_empty(folder.path()));
}

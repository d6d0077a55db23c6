// The presets, and what is refused of one.

#include <filesystem>
#include <fstream>
#include <string>

#include <nlohmann/json.hpp>

#include "chapters/21_sizing/model_size.h"
#include "core/error.h"
#include "tests/catch.h"
#include "tests/chapters/21_sizing/sized.h"
#include "tests/support/temporary_directory.h"

using namespace rung;
using nlohmann::json;

namespace {

json mixtral() {
  std::ifstream in(presets_folder("models") / "mixtral-8x7b.json");
  return json::parse(in);
}

/// What reading the changed preset of Mixtral says, or nothing.
template <typename Change>
std::string refusal(Change change) {
  const support::TemporaryDirectory folder;
  json preset = mixtral();
  change(preset);
  const auto file = folder.path() / "mine.json";
  std::ofstream(file) << preset.dump();
  try {
    read_model_preset(file);
  } catch (const Error& error) {
    CHECK(error.kind() == ErrorKind::bad_input);
    CHECK(std::string(error.what()).find("mine.json") != std::string::npos);
    return error.what();
  }
  return {};
}

bool says(const std::string& refused, const std::string& word) {
  INFO(refused);
  return refused.find(word) != std::string::npos;
}

}  // namespace

TEST_CASE("every preset of a model can be read, and counts what was published") {
  const auto names = preset_names(presets_folder("models"));
  CHECK(names.size() == 10);
  for (const std::string& name : names) {
    const SizedModel model = testing::sized(name);
    INFO(name);
    CHECK(model.rumour == !model.published_parameters);
    if (model.published_parameters)
      CHECK(count_parameters(model.config).total() == *model.published_parameters);
    CHECK(model.rumour == name.starts_with("gpt4"));
  }
}

TEST_CASE("every preset of a device can be read") {
  CHECK(read_all_devices(presets_folder("devices")).size() == 8);
  CHECK(testing::listed_device("h100").limits.bytes_per_second == 3.35e12);
}

TEST_CASE("a preset that says too little or nonsense is refused by field") {
  CHECK(refusal([](json&) {}).empty());
  CHECK(says(refusal([](json& p) { p["dimensions"].erase("layers"); }), "layers"));
  CHECK(says(refusal([](json& p) { p["dimensions"].erase("tied_embeddings"); }), "tied_embeddings"));
  CHECK(says(refusal([](json& p) { p["dimensions"]["layers"]["value"] = "many"; }), "layers"));
  CHECK(says(refusal([](json& p) { p["dimensions"]["layers"]["value"] = 1.5; }), "layers"));
  CHECK(says(refusal([](json& p) { p["dimensions"]["layers"]["value"] = -1; }), "layers"));
  CHECK(says(refusal([](json& p) { p["dimensions"]["layers"].erase("source"); }), "source"));
  CHECK(says(refusal([](json& p) { p["dimensions"]["layers"]["source"] = "hearsay"; }), "hearsay"));
  CHECK(says(refusal([](json& p) { p["dimensions"]["experts"]["value"] = 0; }), "experts"));
  CHECK(says(refusal([](json& p) { p["dimensions"]["experts_used"]["value"] = 9; }), "experts_used"));
  CHECK(says(refusal([](json& p) { p["dimensions"]["experts_used"]["value"] = 0; }), "experts_used"));
  CHECK(says(refusal([](json& p) { p["dimensions"].erase("experts_used"); }), "experts_used"));
  CHECK(says(refusal([](json& p) { p["dimensions"]["kv_heads"]["value"] = 5; }), "heads"));
  CHECK(says(refusal([](json& p) { p["dimensions"]["context"]["value"] = 1e18; }), "context"));
  CHECK(says(refusal([](json& p) { p.erase("sources"); }), "sources"));
  CHECK(says(refusal([](json& p) { p.erase("name"); }), "name"));
  CHECK(says(refusal([](json& p) { p = json::array(); }), "object"));
}

TEST_CASE("a device without a limit is refused") {
  const support::TemporaryDirectory folder;
  const auto file = folder.path() / "mine.json";
  std::ofstream(file)
      << R"({"name": "mine", "sources": {"a": "b"}, "memory_bytes": {"value": 1, "source": "a"},
    "bytes_per_second": {"value": 0, "source": "a"}, "flops_per_second": {"value": 1, "source": "a"}})";
  CHECK_THROWS_AS(read_device_preset(file), Error);
  CHECK_THROWS_AS(read_device_preset(folder.path() / "none.json"), Error);
  CHECK_THROWS_AS(preset_names(folder.path() / "none"), Error);
}

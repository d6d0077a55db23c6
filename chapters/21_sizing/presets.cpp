#include "chapters/21_sizing/presets.h"

#include <algorithm>
#include <cmath>
#include <system_error>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "core/checkpoint/config_checks.h"
#include "core/checkpoint/json.h"
#include "core/checkpoint/json_fields.h"
#include "core/error.h"

namespace rung {
namespace {

constexpr std::uintmax_t largest_preset = 1 << 16;
constexpr std::int64_t most_experts = 1 << 12;

using nlohmann::json;

/// A preset: its facts are objects with a value and the name of one of its sources.
class Preset {
 public:
  explicit Preset(const std::filesystem::path& file)
      : object_(read_json(file, largest_preset)), fields_(file, "", object_) {}

  const JsonFields& fields() const { return fields_; }

  /// The value of a fact whose source is there, too.
  const json& fact(const JsonFields& facts, const char* name) const {
    const JsonFields fact = facts.object(name);
    const std::string source = fact.text("source");
    if (!fields_.object("sources").has(source.c_str()))
      fact.refuse("source", "the name of one of the file's sources", "\"" + source + "\"");
    return fact.value("value");
  }
  std::string source(const JsonFields& facts, const char* name) const {
    return fields_.object("sources").text(facts.object(name).text("source").c_str());
  }
  std::int64_t integer(const JsonFields& facts, const char* name) const {
    const json& value = fact(facts, name);
    if (!value.is_number_integer()) facts.object(name).refuse("value", "a whole number", value.dump());
    return value.get<std::int64_t>();
  }
  double positive(const JsonFields& facts, const char* name) const {
    const json& value = fact(facts, name);
    if (!value.is_number() || !(value.get<double>() > 0))
      facts.object(name).refuse("value", "a positive number", value.dump());
    return value.get<double>();
  }
  bool flag(const JsonFields& facts, const char* name) const {
    const json& value = fact(facts, name);
    if (!value.is_boolean()) facts.object(name).refuse("value", "true or false", value.dump());
    return value.get<bool>();
  }

 private:
  json object_;
  JsonFields fields_;
};

MixtureConfig read_mixture(const Preset& preset, const JsonFields& facts) {
  MixtureConfig mixture;
  mixture.experts = preset.integer(facts, "experts");
  mixture.experts_used = preset.integer(facts, "experts_used");
  if (mixture.experts < 1 || mixture.experts > most_experts) {
    facts.refuse("experts", fmt::format("1 to {}", most_experts), std::to_string(mixture.experts));
  }
  if (mixture.experts_used < 1 || mixture.experts_used > mixture.experts) {
    facts.refuse("experts_used", fmt::format("1 to the {} experts there are", mixture.experts),
                 std::to_string(mixture.experts_used));
  }
  return mixture;
}

}  // namespace

std::filesystem::path presets_folder(const std::string& kind) {
  return std::filesystem::path(RUNG_SOURCE_DIR) / "chapters" / "21_sizing" / "presets" / kind;
}

SizedModel read_model_preset(const std::filesystem::path& file) {
  const Preset preset(file);
  const JsonFields facts = preset.fields().object("dimensions");
  SizedModel model;
  model.id = file.stem().string();
  model.name = preset.fields().text("name");
  model.rumour = preset.fields().flag_or("rumour", false);
  ModelConfig& config = model.config;
  config.family = "llama";
  config.layers = preset.integer(facts, "layers");
  config.hidden = preset.integer(facts, "hidden");
  config.heads = preset.integer(facts, "heads");
  config.kv_heads = preset.integer(facts, "kv_heads");
  config.head_dim = preset.integer(facts, "head_dim");
  config.feed_forward = preset.integer(facts, "feed_forward");
  config.vocab = preset.integer(facts, "vocab");
  config.context = preset.integer(facts, "context");
  config.tied_embeddings = preset.flag(facts, "tied_embeddings");
  if (facts.has("sliding_window")) config.sliding_window = preset.integer(facts, "sliding_window");
  if (facts.has("experts") || facts.has("experts_used")) config.mixture = read_mixture(preset, facts);
  check_config(file, config);
  if (preset.fields().has("published_parameters"))
    model.published_parameters = preset.integer(preset.fields(), "published_parameters");
  if (preset.fields().has("quality")) {
    const JsonFields quality = preset.fields().object("quality");
    model.mmlu = {.value = preset.positive(quality, "mmlu"), .source = preset.source(quality, "mmlu")};
  }
  return model;
}

Device read_device_preset(const std::filesystem::path& file) {
  const Preset preset(file);
  const JsonFields& facts = preset.fields();
  Device device;
  device.name = facts.text("name");
  device.memory_bytes = preset.positive(facts, "memory_bytes");
  device.limits.bytes_per_second = preset.positive(facts, "bytes_per_second");
  device.limits.flops_per_second = preset.positive(facts, "flops_per_second");
  if (facts.has("dollars_an_hour")) device.dollars_an_hour = preset.positive(facts, "dollars_an_hour");
  return device;
}

std::vector<std::string> preset_names(const std::filesystem::path& folder) {
  std::vector<std::string> names;
  std::error_code wrong;
  for (std::filesystem::directory_iterator entry(folder, wrong), end; !wrong && entry != end;
       entry.increment(wrong)) {
    if (entry->path().extension() == ".json") names.push_back(entry->path().stem().string());
  }
  if (wrong) throw Error(ErrorKind::bad_input, "{}: cannot be read: {}", folder.string(), wrong.message());
  std::ranges::sort(names);
  return names;
}

std::vector<Device> read_all_devices(const std::filesystem::path& folder) {
  std::vector<Device> devices;
  for (const std::string& name : preset_names(folder))
    devices.push_back(read_device_preset(folder / (name + ".json")));
  return devices;
}

}  // namespace rung

// Chapter 21's demo: parameters, bytes, and what fits where.

#include <algorithm>
#include <array>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "chapters/07_grouped_query/grouped_cost.h"
#include "chapters/21_sizing/demo_parts.h"
#include "chapters/21_sizing/fitting.h"
#include "chapters/21_sizing/memory_need.h"
#include "chapters/21_sizing/model_size.h"
#include "chapters/21_sizing/plan_report.h"

namespace rung::sizing_parts {
namespace {

constexpr double giga = 1e9;

constexpr std::array all_models = {"smollm2-135m", "mistral-7b", "llama2-7b",  "llama3-8b",    "llama2-13b",
                                   "mixtral-8x7b", "llama2-70b", "llama3-70b", "gpt4-16x110b", "gpt4-8x220b"};

double gigabytes(const ModelParts& bytes) {
  return static_cast<double>(bytes.total()) / giga;
}

}  // namespace

Json show_parts(const DemoInput& /*input*/, DemoText& text) {
  constexpr std::array models = {"llama2-7b", "llama2-13b", "mistral-7b", "mixtral-8x7b"};
  std::vector<SizedModel> sizes;
  std::vector<ModelParts> parts;
  text.print("{:<24}", "");
  for (const char* const id : models) {
    sizes.push_back(sized(id));
    parts.push_back(count_parameters(sizes.back().config));
    text.print("{:>18}", sizes.back().name);
  }
  text.print("\n");
  const auto row = [&](const std::string& what, auto&& count) {
    text.print("{:<24}", what);
    for (std::size_t i = 0; i < parts.size(); ++i) text.print("{:>18}", with_commas(count(parts[i], i)));
    text.print("\n");
  };
  row("embedding", [](const ModelParts& p, std::size_t) { return p.embedding; });
  row("attention", [](const ModelParts& p, std::size_t) { return p.attention; });
  row("router", [](const ModelParts& p, std::size_t) { return p.router; });
  row("feed-forward", [](const ModelParts& p, std::size_t) { return p.feed_forward; });
  row("norms", [](const ModelParts& p, std::size_t) { return p.norms; });
  row("output", [](const ModelParts& p, std::size_t) { return p.output; });
  row("all", [](const ModelParts& p, std::size_t) { return p.total(); });
  row("published",
      [&](const ModelParts&, std::size_t i) { return sizes[i].published_parameters.value_or(0); });
  row("used for a token",
      [&](const ModelParts& p, std::size_t i) { return active_parts(p, sizes[i].config).total(); });
  return nullptr;
}

Json show_bytes(const DemoInput& /*input*/, DemoText& text) {
  constexpr std::array types = {DType::F16, DType::Q8_0, DType::Q4_0};
  text.print("{:<15} {:>19}   {:>26}   {:>12} {:>14}\n", "", "parameters", "GB of weights as", "KiB a",
             "GB of one text");
  text.print("{:<15} {:>9} {:>9}   {:>8} {:>8} {:>8}   {:>12} {:>14}\n", "", "all", "used", "f16", "q8_0",
             "q4_0", "position", "of 4096");
  Json data = Json::array();
  for (const char* const id : all_models) {
    const SizedModel model = sized(id);
    const ModelParts all = count_parameters(model.config);
    const std::int64_t position = kv_position_bytes(model.config, KvType::f16);
    text.print("{:<15} {:>8.1f}B {:>8.1f}B  ", model.name, static_cast<double>(all.total()) / giga,
               static_cast<double>(active_parts(all, model.config).total()) / giga);
    Json gigabytes_of;
    for (const DType type : types) {
      const double size = gigabytes(weight_bytes(model.config, type));
      text.print(" {:>8.{}f}", size, size < 1 ? 3 : 1);
      gigabytes_of.push_back(size);
    }
    const double text_bytes =
        memory_need(model.config, {}, {.kv = KvType::f16, .context = 4096, .batch = 1}).keys_and_values;
    text.print("   {:>12.4g} {:>14.2f}\n", static_cast<double>(position) / 1024, text_bytes / giga);
    data.push_back({{"model", model.name}, {"gigabytes", gigabytes_of}, {"text", text_bytes / giga}});
  }
  return data;
}

Json show_seventy(const DemoInput& /*input*/, DemoText& text) {
  const SizedModel model = sized("llama2-70b");
  const auto numbers = static_cast<double>(count_parameters(model.config).total());
  const MemoryNeed one = memory_need(model.config, weight_bytes(model.config, DType::Q4_0),
                                     {.kv = KvType::f16, .context = 4096, .batch = 1});
  const MemoryNeed two = memory_need(model.config, weight_bytes(model.config, DType::Q4_0),
                                     {.kv = KvType::f16, .context = 4096, .batch = 2});
  const double bare = numbers / 2;
  const auto line = [&](const std::string& what, double bytes) {
    text.print("{:<52} {:>7.2f} GB\n", what, bytes / giga);
  };
  text.print("Llama 2 70B has {} parameters\n\n", with_commas(count_parameters(model.config).total()));
  line("in fp16, 2 bytes each", 2 * numbers);
  line("4 bits each, and nothing else", bare);
  line("  and the scales of q4_0's blocks: 18 bytes for 32", one.weights);
  line("  and keys and values of one text of 4096 in fp16", one.weights + one.keys_and_values);
  line("  and activations of a piece of 512 of a prompt", one.total());
  line("the same with two texts", two.total());
  line("the rule of thumb, 70 · 4 / 8 · 1.2", 70e9 / 2 * 1.2);
  return nullptr;
}

Json show_homes(const DemoInput& /*input*/, DemoText& text) {
  struct Use {
    std::string name;
    DType weights;
    Workload work;
  };
  const std::vector<Use> uses = {
      {"one chat of 4096, q4_0", DType::Q4_0, {.kv = KvType::f16, .context = 4096, .batch = 1}},
      {"one chat of 4096, f16", DType::F16, {.kv = KvType::f16, .context = 4096, .batch = 1}},
      {"64 chats of 4096, f16", DType::F16, {.kv = KvType::f16, .context = 4096, .batch = 64}},
      {"one text of 32,768, q4_0, int8 kv", DType::Q4_0, {.kv = KvType::i8, .context = 32768, .batch = 1}}};
  constexpr std::array cards = {"rtx4090", "a100-40", "a100-80", "h200"};
  const std::vector<Device> devices = read_all_devices(presets_folder("devices"));
  text.print("{:<15} {:<34} {:>8} {:>11}\n{:<15} {:<34} {:>8}", "", "", "", "how many of", "", "use", "GB");
  for (const char* const card : cards) text.print(" {:>11}", listed(card).name);
  text.print("   least $/hour\n");
  Json data = Json::array();
  for (const char* const id : {"llama2-7b", "llama2-13b", "mixtral-8x7b", "gpt4-16x110b"}) {
    const SizedModel model = sized(id);
    for (const Use& use : uses) {
      const double need =
          memory_need(model.config, weight_bytes(model.config, use.weights), use.work).total();
      text.print("{:<15} {:<34} {:>8.1f}", model.name, use.name, need / giga);
      for (const char* const card : cards) {
        const auto count = devices_for(need, listed(card).memory_bytes);
        text.print(" {:>11}", count ? with_commas(*count) : "-");
      }
      const auto offer = cheapest(devices, need);
      text.print(" {:>14.2f}\n", offer ? offer->dollars_an_hour : 0);
      data.push_back({{"model", model.name}, {"use", use.name}, {"gigabytes", need / giga}});
    }
  }
  return data;
}

Json show_quality(const DemoInput& /*input*/, DemoText& text) {
  text.print("{:<15} {:>6}   {}\n", "", "MMLU", "according to");
  for (const char* const id : all_models) {
    const SizedModel model = sized(id);
    if (model.mmlu) {
      std::string source = model.mmlu->source;
      source = source.substr(0, std::min(source.find(": MMLU"), source.find("; the report")));
      // Measured on the model, whatever its size is.
      const std::string name = model.rumour ? model.name.substr(0, model.name.find(' ')) : model.name;
      text.print("{:<15} {:>6.1f}   {}\n", name, model.mmlu->value, source);
    }
  }
  return nullptr;
}

}  // namespace rung::sizing_parts

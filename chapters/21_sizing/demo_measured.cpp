// Chapter 21's demo: predictions against measurements.

#include <algorithm>
#include <array>
#include <string>
#include <thread>
#include <vector>

#include <fmt/format.h>

#include "chapters/08_quantization/synthetic_model.h"
#include "chapters/21_sizing/demo_parts.h"
#include "chapters/21_sizing/model_size.h"
#include "chapters/21_sizing/step_work.h"
#include "chapters/21_sizing/stored_model.h"
#include "core/measure/clock.h"
#include "core/measure/limits.h"
#include "core/measure/memory.h"

namespace rung::sizing_parts {

namespace {

ModelConfig synthetic(const std::string& name) {
  const std::vector<ModelPreset> presets = model_presets();
  return std::ranges::find(presets, name, &ModelPreset::name)->config;
}

}  // namespace

/// What docs/measuring.md has of synthesized models, each with the bandwidth that its run was compared with. Of mixtures
/// there are a layer of Mixtral with halved widths, and all layers of the GPT-4-shaped with an eighth of the widths.
Json show_predicted(const DemoInput& /*input*/, DemoText& text) {
  const ModelConfig mixtral = resized(sized("mixtral-8x7b").config, 1, 2);
  const ModelConfig whole_gpt4 = synthetic("gpt4-shaped");
  const ModelConfig gpt4 = resized(whole_gpt4, whole_gpt4.layers, 8);
  struct Run {
    std::string name;
    ModelConfig config;
    DType weights;
    std::int64_t past;
    double gigabytes_per_second, tokens_per_second;
  };
  const auto preset = [](const char* id, DType weights, std::int64_t past, double bandwidth,
                         double measured) {
    const SizedModel model = sized(id);
    return Run{model.name, model.config, weights, past, bandwidth, measured};
  };
  // Of SmolLM2 the middle of what was printed for slow and for fast memory, 64 tokens after 8.
  const std::array<Run, 13> runs{{preset("smollm2-135m", DType::F32, 40, 33, 52.3),
                                  preset("smollm2-135m", DType::F32, 40, 57, 78.9),
                                  preset("llama2-7b", DType::Q4_0, 128, 57, 4.06),
                                  preset("llama2-7b", DType::Q4_0, 4080, 33, 2.26),
                                  preset("llama2-13b", DType::Q4_0, 128, 44, 2.36),
                                  preset("llama2-13b", DType::Q4_0, 4080, 56, 1.25),
                                  preset("mistral-7b", DType::Q4_0, 128, 46, 4.19),
                                  preset("mistral-7b", DType::Q4_0, 4080, 56, 2.58),
                                  preset("mistral-7b", DType::Q4_0, 8176, 39, 2.75),
                                  {"Mixtral, 1/94", mixtral, DType::F32, 28, 32.2, 43.3},
                                  {"Mixtral, 1/94", mixtral, DType::F32, 1036, 32, 44.5},
                                  {"Mixtral, 1/94", mixtral, DType::Q4_0, 28, 52.4, 162},
                                  {"GPT-4, 1/64", gpt4, DType::Q4_0, 28, 32, 6.8}}};
  text.print("keys and values in fp32; bandwidth and tokens/s from docs/measuring.md\n\n");
  text.print("{:<13} {:<5} {:>6} {:>10} {:>6} {:>9} {:>9} {:>7}\n", "", "", "after", "MB a step", "GB/s",
             "at most", "measured", "share");
  Json data = Json::array();
  for (const Run& run : runs) {
    const measure::Work step =
        step_work(run.config, weight_bytes(run.config, run.weights), KvType::f32, 1, run.past);
    const double most = 1e9 * run.gigabytes_per_second / step.bytes;
    text.print("{:<13} {:<5} {:>6} {:>10.0f} {:>6.0f} {:>9.2f} {:>9.2f} {:>5.0f} %\n", run.name,
               run.weights == DType::F32 ? "f32" : "q4_0", run.past, step.bytes / 1e6,
               run.gigabytes_per_second, most, run.tokens_per_second, 100 * run.tokens_per_second / most);
    data.push_back(
        {{"model", run.name}, {"past", run.past}, {"bound", most}, {"measured", run.tokens_per_second}});
  }
  return data;
}

namespace {

constexpr std::int32_t steps = 24;

/// Seconds of one decode step after `past` positions, which are reserved but hold nothing: the median of some.
double step_seconds(Stage& stage, std::int32_t past, std::int64_t vocab) {
  Batch before;
  before.add(0, 0, any_tokens(past, vocab), Batch::Logits::none);
  stage.sequences().commit(stage.sequences().reserve(before).value());
  std::vector<double> seconds;
  for (std::int32_t i = 0; i < steps; ++i) {
    Batch one;
    one.add(0, past + i, any_tokens(1, vocab), Batch::Logits::last);
    const measure::Stopwatch watch;
    stage.forward(one);
    seconds.push_back(watch.seconds());
  }
  return measure::median(seconds);
}

/// A stage to be timed, and the weights that a plan for it counts.
struct Timed {
  std::string stage;
  ModelParts bytes;
};

/// The fp32 stage and the one that computes from blocks of 4 bits: the file's own, or those that would be made of it.
std::vector<Timed> timed_stages(const DemoInput& input) {
  const ModelConfig& config = input.checkpoint.config();
  const ModelParts stored = stored_model(input.checkpoint, input.model).bytes;
  const bool blocks = stored.feed_forward < weight_bytes(config, DType::F16).feed_forward;
  const std::string fp32 = config.mixture ? "moe" : "grouped", int4 = config.mixture ? "moe_int4" : "int4";
  return {{fp32, weight_bytes(config, DType::F32)},
          {int4, blocks ? stored : weight_bytes(config, DType::Q4_0)}};
}

}  // namespace

Json show_here(const DemoInput& input, DemoText& text) {
  const ModelConfig& config = input.checkpoint.config();
  const auto threads = static_cast<int>(std::max(1U, std::thread::hardware_concurrency()));
  text.print("{} on {} threads, one sequence; the bandwidth is measured before and after each\n\n",
             input.model, threads);
  text.print("{:<9} {:>6} {:>10} {:>8} {:>12} {:>10} {:>7}\n", "stage", "after", "MB a step", "GB/s",
             "at most", "measured", "share");
  Json data = Json::array();
  const auto far = static_cast<std::int32_t>(std::min<std::int64_t>(1024, config.context / 2));
  const auto memory = static_cast<double>(measure::physical_memory_bytes());
  for (const Timed& timed : timed_stages(input)) {
    if (const auto weights = static_cast<double>(timed.bytes.total()); weights > memory) {
      text.print("{:<9} left out: {:.1f} GB of weights, and {:.1f} GB of memory here\n", timed.stage,
                 weights / 1e9, memory / 1e9);
      continue;
    }
    for (const std::int32_t past : {16, far}) {
      const auto stage = [&] {
        const measure::ZeroedMemory zeros;  // of the positions that are not computed
        return input.stage(timed.stage, {.max_positions = past + steps, .max_sequences = 1});
      }();
      const double before = measure::read_bandwidth(threads);
      const double seconds = step_seconds(*stage, past, config.vocab);
      const double bandwidth = (before + measure::read_bandwidth(threads)) / 2;
      const measure::Work step = step_work(config, timed.bytes, KvType::f32, 1, past + steps / 2);
      const double most = bandwidth / step.bytes;
      text.print("{:<9} {:>6} {:>10.1f} {:>8.1f} {:>12.1f} {:>10.1f} {:>5.0f} %\n", timed.stage, past,
                 step.bytes / 1e6, bandwidth / 1e9, most, 1 / seconds, 100 / seconds / most);
      data.push_back({{"stage", timed.stage}, {"past", past}, {"bound", most}, {"measured", 1 / seconds}});
    }
  }
  return data;
}

}  // namespace rung::sizing_parts

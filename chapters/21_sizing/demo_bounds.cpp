// Chapter 21's demo: how fast a model can go at the most, and what changes that.

#include <array>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "chapters/21_sizing/demo_parts.h"
#include "chapters/21_sizing/fitting.h"
#include "chapters/21_sizing/memory_need.h"
#include "chapters/21_sizing/model_size.h"
#include "chapters/21_sizing/plan_report.h"
#include "chapters/21_sizing/step_work.h"
#include "core/measure/touched_experts.h"

namespace rung::sizing_parts {
namespace {

constexpr double giga = 1e9;

double tokens_per_second(const measure::Work& work, const Device& device, std::int64_t batch = 1) {
  return static_cast<double>(batch) / measure::least_seconds(work, device.limits);
}

}  // namespace

/// What others measured in 2023 of one sequence, against the bound. Where: LMDeploy and Transformers on an A10,
/// github.com/InternLM/lmdeploy/issues/210 (27 and 34 ms a token); Transformers on an A100, short_report.csv of
/// examples/running-llamas/artifacts/Llama-7b and Llama-13b in github.com/huggingface/optimum-benchmark (commit
/// f75d9f9); PyTorch, pytorch.org/blog/accelerating-generative-ai-2; gpt-fast, the README of
/// github.com/pytorch-labs/gpt-fast, and its issue 27 for the RTX 4090; MLC LLM, the README of
/// github.com/mlc-ai/llm-perf-bench.
Json show_cards(const DemoInput& /*input*/, DemoText& text) {
  struct Report {
    const char *card, *model, *program;
    DType weights;      // of the same number of bits
    std::int64_t past;  // before a token, on average over those that were generated
    double tokens_per_second;
  };
  constexpr std::array reports{Report{"a10", "llama2-7b", "Transformers", DType::F16, 150, 1 / 0.034},
                               Report{"a10", "llama2-7b", "LMDeploy", DType::F16, 150, 1 / 0.027},
                               Report{"a100-80", "llama2-7b", "PyTorch", DType::F16, 100, 25.5},
                               Report{"a100-80", "llama2-7b", "Transformers", DType::F16, 512, 38.7},
                               Report{"a100-80", "llama2-7b", "Transformers", DType::Q4_0, 512, 35.2},
                               Report{"a100-80", "llama2-13b", "Transformers", DType::F16, 512, 30.1},
                               Report{"a100-80", "llama2-13b", "Transformers", DType::Q4_0, 512, 27.9},
                               Report{"a100-80", "llama2-7b", "gpt-fast", DType::F16, 100, 104.9},
                               Report{"a100-80", "llama2-7b", "gpt-fast", DType::Q4_0, 100, 196.8},
                               Report{"rtx4090", "llama2-7b", "gpt-fast", DType::F16, 100, 65},
                               Report{"rtx4090", "llama2-7b", "MLC LLM", DType::Q4_0, 135, 204.8},
                               Report{"rtx4090", "llama2-13b", "MLC LLM", DType::Q4_0, 135, 113.5}};
  text.print("one sequence, as others measured it in 2023; a step in fp16, or with weights of 4 bits\n\n");
  text.print("{:<11} {:<12} {:<6} {:<13} {:>5} {:>9} {:>8} {:>9} {:>11}\n", "", "", "", "", "GB", "tokens/s",
             "at most", "of it", "ms a layer");
  for (const Report& report : reports) {
    const Device device = listed(report.card);
    const SizedModel model = sized(report.model);
    const measure::Work step =
        step_work(model.config, weight_bytes(model.config, report.weights), KvType::f16, 1, report.past);
    const double most = tokens_per_second(step, device);
    text.print("{:<11} {:<12} {:<6} {:<13} {:>5.1f} {:>9.1f} {:>8.1f} {:>7.0f} % {:>11.2f}\n", device.name,
               model.name, report.weights == DType::F16 ? "fp16" : "4 bits", report.program,
               step.bytes / giga, report.tokens_per_second, most, 100 * report.tokens_per_second / most,
               1e3 / report.tokens_per_second / static_cast<double>(model.config.layers));
  }
  return nullptr;
}

Json show_changes(const DemoInput& /*input*/, DemoText& text) {
  struct Change {
    std::string what;
    ModelConfig config;
    DType weights = DType::F16;
    KvType kv = KvType::f16;
    std::int64_t batch = 1;
  };
  const ModelConfig base = sized("llama2-7b").config;
  constexpr std::int64_t past = 16383;
  std::vector<Change> changes{{.what = "as it is: fp16, 32 key/value heads", .config = base}};
  const auto add = [&](const std::string& what, auto&& change) {
    changes.push_back({.what = what, .config = base});
    change(changes.back());
  };
  add("8 key/value heads (GQA)", [](Change& c) { c.config.kv_heads = 8; });
  add("a window of 4096", [](Change& c) { c.config.sliding_window = 4096; });
  add("keys and values in int8", [](Change& c) { c.kv = KvType::i8; });
  add("weights in q4_0", [](Change& c) { c.weights = DType::Q4_0; });
  add("16 sequences at once", [](Change& c) { c.batch = 16; });
  add("8 experts, 2 used", [](Change& c) { c.config.mixture = {.experts = 8, .experts_used = 2}; });
  add("8 experts, 2 used, 16 sequences", [](Change& c) {
    c.config.mixture = {.experts = 8, .experts_used = 2};
    c.batch = 16;
  });
  const Device device = listed("a100-80");
  text.print("a decode step of Llama 2 7B after {} positions on {}\n\n", past, device.name);
  text.print("{:<36} {:>10} {:>10} {:>10} {:>12}\n", "", "GB held", "GB moved", "ms", "tokens/s");
  Json data = Json::array();
  for (const Change& c : changes) {
    const ModelParts bytes = weight_bytes(c.config, c.weights);
    const measure::Work step = step_work(c.config, bytes, c.kv, c.batch, past);
    const double held =
        memory_need(c.config, bytes, {.kv = c.kv, .context = past + 1, .batch = c.batch}).total();
    const double most = tokens_per_second(step, device, c.batch);
    text.print("{:<36} {:>10.1f} {:>10.1f} {:>10.1f} {:>12.1f}\n", c.what, held / giga, step.bytes / giga,
               1e3 * static_cast<double>(c.batch) / most, most);
    data.push_back({{"what", c.what}, {"held", held}, {"moved", step.bytes}, {"tokens_per_second", most}});
  }
  return data;
}

Json show_turning(const DemoInput& /*input*/, DemoText& text) {
  constexpr std::array pasts = {0, 128, 512, 2048};
  text.print("fp16; the batch from which on a step takes longer to compute than to move its bytes\n\n");
  text.print("{:<15} {:<12} {:>12}", "", "", "FLOP / byte");
  for (const int past : pasts) text.print("{:>12}", past == 0 ? "after 0" : std::to_string(past));
  text.print("\n");
  for (const char* const id : {"llama2-7b", "mistral-7b", "mixtral-8x7b", "gpt4-16x110b"}) {
    const SizedModel model = sized(id);
    const ModelParts bytes = weight_bytes(model.config, DType::F16);
    for (const char* const card : {"a100-80", "h100"}) {
      const Device device = listed(card);
      text.print("{:<15} {:<12} {:>12.0f}", model.name, device.name,
                 device.limits.flops_per_second / device.limits.bytes_per_second);
      for (const int past : pasts) {
        const auto turning = turning_batch(model.config, bytes, KvType::f16, past, device.limits);
        text.print("{:>12}", turning ? with_commas(*turning) : "never");
      }
      text.print("\n");
    }
  }
  return nullptr;
}

Json show_experts(const DemoInput& /*input*/, DemoText& text) {
  text.print("{:>6}   {:>24}   {:>24}\n", "", "Mixtral, 2 of 8", "GPT-4 shape, 2 of 16");
  text.print("{:>6}   {:>8} {:>15}   {:>8} {:>15}\n", "rows", "touched", "GB of weights", "touched",
             "GB of weights");
  Json data = Json::array();
  for (const std::int64_t rows : {1, 2, 4, 8, 16, 32, 64}) {
    text.print("{:>6}", rows);
    Json row = {{"rows", rows}};
    for (const char* const id : {"mixtral-8x7b", "gpt4-16x110b"}) {
      const ModelConfig config = sized(id).config;
      const StageCost cost = model_cost(config, weight_bytes(config, DType::F16), KvType::f16);
      const double touched =
          measure::touched_experts(config.mixture->experts, config.mixture->experts_used, rows);
      const double read = weights_read(cost, rows) / giga;
      text.print("   {:>8.2f} {:>15.1f}", touched, read);
      row[id] = {{"touched", touched}, {"gigabytes", read}};
    }
    text.print("\n");
    data.push_back(std::move(row));
  }
  return data;
}

Json show_flops(const DemoInput& /*input*/, DemoText& text) {
  const SizedModel model = sized("gpt4-16x110b");
  const ModelParts all = count_parameters(model.config);
  const auto active = static_cast<double>(active_parts(all, model.config).total());
  const ModelParts bytes = weight_bytes(model.config, DType::F16);
  const measure::Work token = step_work(model.config, bytes, KvType::f16, 1, 0);
  text.print("{}, a rumour: {} parameters, {} of them for a token\n\n", model.name, with_commas(all.total()),
             with_commas(active_parts(all, model.config).total()));
  text.print("{:<52} {:>10.3f} TFLOP\n", "a token, 2 for each active parameter", 2 * active * 1e-12);
  text.print("{:<52} {:>10.3f} TFLOP\n", "a token, counted matrix by matrix", token.flops * 1e-12);
  text.print("{:<52} {:>10.3f} TFLOP\n", "a token of a dense model of that size",
             2 * static_cast<double>(all.total()) * 1e-12);
  for (const std::int64_t tokens : {1000, 2048, 8192}) {
    const measure::Work prompt = prompt_work(model.config, bytes, KvType::f16, tokens);
    text.print("{:<52} {:>10.1f} TFLOP\n", fmt::format("a forward pass over {} tokens", tokens),
               prompt.flops * 1e-12);
  }
  text.print("\n560 / {:.3f} = {:.0f} tokens;   3700 / {:.2f} = {:.0f} tokens\n", 2 * active * 1e-12,
             560 / (2 * active * 1e-12), 2 * static_cast<double>(all.total()) * 1e-12,
             3700 / (2 * static_cast<double>(all.total()) * 1e-12));
  return nullptr;
}

Json show_curves(const DemoInput& /*input*/, DemoText& text) {
  const Device device = listed("h100");
  Json data;
  const std::vector<std::string> ids = {"llama2-7b", "llama2-13b", "mistral-7b", "mixtral-8x7b"};
  std::vector<SizedModel> models;
  text.print("tokens/s at most in fp16, as if one {} held all\n\n{:<26}", device.name, "");
  for (const std::string& id : ids) {
    models.push_back(sized(id));
    text.print("{:>14}", models.back().name);
  }
  text.print("\n");
  const auto row = [&](const std::string& what, const char* kind, std::int64_t at, std::int64_t batch,
                       std::int64_t past) {
    text.print("{:<26}", what);
    for (const SizedModel& model : models) {
      const measure::Work step =
          step_work(model.config, weight_bytes(model.config, DType::F16), KvType::f16, batch, past);
      const double most = tokens_per_second(step, device, batch);
      text.print("{:>14.1f}", most);
      data[kind][model.name].push_back({at, most});
    }
    text.print("\n");
  };
  for (std::int64_t past = 256; past <= 32768; past *= 2)
    row(fmt::format("one sequence after {}", past), "context", past, 1, past);
  for (std::int64_t batch = 1; batch <= 1024; batch *= 2)
    row(fmt::format("{} sequences after 1024", batch), "batch", batch, batch, 1024);
  return data;
}

}  // namespace rung::sizing_parts

#include "chapters/21_sizing/functions.h"

#include <optional>
#include <string>

#include "chapters/21_sizing/fitting.h"
#include "chapters/21_sizing/model_size.h"
#include "chapters/21_sizing/step_work.h"
#include "core/check/functions/sizing.h"

namespace rung {
namespace {

using Numbers = std::vector<double>;

ModelConfig config_of(const oracle::SizedShape& shape, std::int64_t window = 0) {
  ModelConfig config;
  config.layers = shape.layers;
  config.hidden = shape.hidden;
  config.heads = shape.heads;
  config.kv_heads = shape.kv_heads;
  config.head_dim = shape.head_dim;
  config.feed_forward = shape.feed_forward;
  config.vocab = shape.vocab;
  config.tied_embeddings = shape.tied;
  if (window > 0) config.sliding_window = window;
  if (shape.experts > 0) config.mixture = {.experts = shape.experts, .experts_used = shape.used};
  return config;
}

KvType kv_of(check::GroupedCostInput::Type type) {
  if (type == check::GroupedCostInput::Type::f32) return KvType::f32;
  return type == check::GroupedCostInput::Type::f16 ? KvType::f16 : KvType::i8;
}

std::vector<std::int64_t> run_model_size(const check::ModelSizeInput& input) {
  const ModelConfig config = config_of(input.shape);
  const ModelParts all = input.type ? weight_bytes(config, *input.type) : count_parameters(config);
  std::vector<std::int64_t> counts;
  counts.reserve(14);
  for (const ModelParts& one : {all, active_parts(all, config)})
    counts.insert(counts.end(), {one.embedding, one.attention, one.router, one.feed_forward, one.norms,
                                 one.output, one.total()});
  return counts;
}

Numbers run_step_work(const check::StepWorkInput& input) {
  using Rule = check::StepWorkInput::Rule;
  const ModelConfig config = config_of(input.shape, input.window);
  ModelParts bytes = weight_bytes(config, input.weights);
  if (input.output) bytes.output = weight_bytes(config, *input.output).output;
  if (input.rule == Rule::cost) return check::members_of_cost(model_cost(config, bytes, kv_of(input.kv)));
  if (input.rule == Rule::weights)
    return {weights_read(model_cost(config, bytes, kv_of(input.kv)), input.rows)};
  const measure::Work work = input.rule == Rule::prompt
                                 ? prompt_work(config, bytes, kv_of(input.kv), input.rows)
                                 : step_work(config, bytes, kv_of(input.kv), input.rows, input.past);
  return {work.flops, work.bytes};
}

Numbers run_cheapest(const check::HardwareInput& input) {
  std::vector<Device> devices;
  devices.reserve(input.devices.size());
  for (const check::HardwareDevice& one : input.devices)
    devices.push_back({.name = std::to_string(devices.size()),
                       .memory_bytes = one.memory,
                       .limits = {},
                       .dollars_an_hour = one.price});
  const auto offer = cheapest(devices, input.bytes);
  if (!offer) return {};
  return {std::stod(offer->device.name), static_cast<double>(offer->count), offer->dollars_an_hour};
}

Numbers run_hardware(const check::HardwareInput& input) {
  using Rule = check::HardwareInput::Rule;
  if (input.rule == Rule::cheapest) return run_cheapest(input);
  std::optional<std::int64_t> found;
  if (input.rule == Rule::devices) {
    found = devices_for(input.bytes, input.devices.front().memory, input.most);
  } else {
    const ModelConfig config = config_of(input.step.shape, input.step.window);
    found = turning_batch(
        config, weight_bytes(config, input.step.weights), kv_of(input.step.kv), input.step.past,
        {.bytes_per_second = input.bytes_per_second, .flops_per_second = input.flops_per_second});
  }
  return found ? Numbers{static_cast<double>(*found)} : Numbers{};
}

}  // namespace

std::vector<check::JudgedFunction> sizing_functions() {
  return {check::judged<check::ModelSizeInput, std::vector<std::int64_t>>(
              check::model_size_check(), "chapters/21_sizing/model_size", run_model_size),
          check::judged<check::StepWorkInput, Numbers>(check::step_work_check(),
                                                       "chapters/21_sizing/step_work", run_step_work),
          check::judged<check::HardwareInput, Numbers>(check::hardware_check(), "chapters/21_sizing/fitting",
                                                       run_hardware)};
}

}  // namespace rung

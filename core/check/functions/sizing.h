#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/check/function_check.h"
#include "core/check/functions/grouped.h"
#include "core/oracle/sizing.h"
#include "core/stage/cost.h"
#include "core/tensor/dtype.h"

// The functions of chapter 21: how large a model is, what a step of it moves and computes, and what it fits on.

namespace rung::check {

/// A mistake whose wrong answers are `answer`'s with some habits, and with those of others who make the same one.
template <typename Input, typename Output, typename Habits>
FunctionMistake<Input, Output> mistake_of_habits(std::string name, std::string sentence,
                                                 Output (*answer)(const Input&, const Habits&),
                                                 const Habits& habits, const std::vector<Habits>& others) {
  using Run = typename FunctionMistake<Input, Output>::Run;
  const auto with = [answer](const Habits& one) {
    return Run([answer, one](const Input& input) { return answer(input, one); });
  };
  std::vector<Run> also;
  also.reserve(others.size());
  for (const Habits& other : others) also.push_back(with(other));
  return {std::move(name), std::move(sentence), with(habits), std::move(also)};
}

/// A question about a model's size.
struct ModelSizeInput {
  oracle::SizedShape shape = {};
  std::optional<DType> type = {};  ///< bytes are asked for, else numbers
};
/// Seven counts come back: embedding, attention, router, feed-forward, norms, output; all. Seven more are what a token
/// uses of each.
FunctionCheck<ModelSizeInput, std::vector<std::int64_t>> model_size_check();

/// A question about a prompt or a decode step.
struct StepWorkInput {
  /// What is asked.
  enum class Rule {
    prompt,   ///< prompt_work() of `rows` tokens
    step,     ///< step_work() of `rows` sequences after `past` positions each
    weights,  ///< weights_read() of `rows` rows
    cost,     ///< model_cost()
  };
  Rule rule = Rule::step;
  oracle::SizedShape shape = {};
  DType weights = DType::F32;
  GroupedCostInput::Type kv = GroupedCostInput::Type::f32;
  std::int64_t rows = 1, past = 0;
  std::int64_t window = 0;           ///< 0: none
  std::optional<DType> output = {};  ///< of an output matrix that a file holds in a type of its own
};
/// FLOPs and bytes come back, of weights the bytes alone, of a cost its ten members: weight_bytes, output_bytes,
/// expert_bytes, experts, experts_used, flops_per_row, flops_per_logits_row, flops_per_visible_position,
/// kv_bytes_per_position, and window, 0 for none.
FunctionCheck<StepWorkInput, std::vector<double>> step_work_check();
/// A cost's members, in that order.
std::vector<double> members_of_cost(const StageCost& cost);

/// A device as the choice of hardware knows it.
struct HardwareDevice {
  double memory = 0;
  std::optional<double> price;
};
/// A question about hardware.
struct HardwareInput {
  /// What is asked.
  enum class Rule {
    devices,   ///< devices_for() of the first device
    cheapest,  ///< cheapest()
    turning,   ///< turning_batch()
  };
  Rule rule = Rule::devices;
  double bytes = 0;
  std::int64_t most = 1024;                  ///< devices
  std::vector<HardwareDevice> devices = {};  ///< devices, cheapest
  StepWorkInput step = {};                   ///< turning: the model and `past`
  double bytes_per_second = 1, flops_per_second = 1;
};
/// Devices: how many, or nothing. Cheapest: its place in the list, how many, and their price, or nothing. Turning: the
/// batch, or nothing.
FunctionCheck<HardwareInput, std::vector<double>> hardware_check();

/// The right answer of step_work's check, for hardware's.
std::vector<double> right_step_work(const StepWorkInput& input);
/// The same where every batch reads all experts.
std::vector<double> step_work_of_all_experts(const StepWorkInput& input);

}  // namespace rung::check

#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/check/function_check.h"
#include "core/check/functions/grouped.h"
#include "core/oracle/sizing.h"
#include "core/tensor/dtype.h"

// The functions of chapter 21: how large a model is, what a step of it moves and computes, and what it fits on.

namespace rung::check {

/// A question about a model's size.
struct ModelSizeInput {
  oracle::SizedShape shape = {};
  std::optional<DType> type = {};  ///< bytes are asked for, else numbers
};
/// Eight counts come back: embedding, attention, router, feed-forward, norms, output; all; and what a token uses.
FunctionCheck<ModelSizeInput, std::vector<std::int64_t>> model_size_check();

/// A question about a prompt or a decode step.
struct StepWorkInput {
  /// What is asked.
  enum class Rule {
    prompt,  ///< prompt_work() of `rows` tokens
    step,    ///< step_work() of `rows` sequences after `past` positions each
  };
  Rule rule = Rule::step;
  oracle::SizedShape shape = {};
  DType weights = DType::F32;
  GroupedCostInput::Type kv = GroupedCostInput::Type::f32;
  std::int64_t rows = 1, past = 0;
  std::int64_t window = 0;  ///< 0: none
};
/// FLOPs and bytes come back.
FunctionCheck<StepWorkInput, std::vector<double>> step_work_check();

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

}  // namespace rung::check

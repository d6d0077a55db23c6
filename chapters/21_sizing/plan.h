#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "chapters/21_sizing/device.h"
#include "chapters/21_sizing/fitting.h"
#include "chapters/21_sizing/memory_need.h"
#include "chapters/21_sizing/model_size.h"
#include "chapters/21_sizing/presets.h"
#include "core/tensor/dtype.h"

namespace rung {

/// A model to plan for, with its weights as they are or shall be stored.
struct WeightedModel {
  SizedModel model;
  std::string weights;  ///< "f16"; "as stored"
  ModelParts bytes;
};

/// The model with its matrices as `type`.
/// @throws Error (usage) where 64 bits do not hold its bytes
WeightedModel with_weights(const SizedModel& model, DType type);

/// What is to be planned for.
struct PlanRequest {
  Workload work;
  Device device;               ///< one of them
  std::int64_t gpus = 1;       ///< how many there are
  std::vector<Device> listed;  ///< what the cheapest is chosen from
};

/// How long a piece of work takes at the least, and what decides that.
struct Bound {
  measure::Work work;
  double seconds = 0;
  bool by_memory = true;  ///< moving the bytes takes longer than computing
};

/// What a model needs, and how fast it can go.
struct ModelPlan {
  WeightedModel model;
  ModelParts parameters, active;
  MemoryNeed need;
  double share_of_memory = 0;           ///< need over the memory of all devices; fits when at most 1
  std::optional<std::int64_t> devices;  ///< how many of the device would do
  std::optional<Offer> cheapest;        ///< of those listed
  Bound prompt;                  ///< of as many tokens as the context, alone: least time to the first token
  Bound step;                    ///< one token for each sequence, at the end of the context
  double tokens_per_second = 0;  ///< all sequences together, at most
  std::optional<std::int64_t> turning;  ///< turning_batch() at the end of the context
};

/// Plans for one model.
/// @throws Error (usage) for a context or batch below 1, or bytes that no 64 bits hold
ModelPlan plan_for(const WeightedModel& model, const PlanRequest& request);

}  // namespace rung

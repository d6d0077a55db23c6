#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "core/measure/roofline.h"

namespace rung {

/// A machine that holds and runs a model.
struct Device {
  std::string name;
  double memory_bytes = 0;
  measure::Limits limits;
  std::optional<double> dollars_an_hour;
};

/// `count` devices that work as one: their memories, bandwidths and arithmetic added up. What they tell each other is not
/// counted, so what follows from it is a bound.
Device together(const Device& device, std::int64_t count);

}  // namespace rung

#pragma once

#include <cmath>
#include <cstdint>

namespace rung::measure {

/// How many of E experts `rows` rows touch that each go through k of them, where a router chooses all alike: E·(1 − (1 −
/// k/E)^rows). For one row that is k. A router that prefers some experts touches fewer.
inline double touched_experts(std::int64_t experts, std::int64_t used, std::int64_t rows) {
  const auto all = static_cast<double>(experts);
  return all * (1 - std::pow(1 - static_cast<double>(used) / all, static_cast<double>(rows)));
}

}  // namespace rung::measure

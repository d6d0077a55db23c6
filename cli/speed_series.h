#pragma once

#include <vector>

#include "core/measure/roofline.h"

namespace rung {

/// What a stage may hold beyond weights, keys and values, in bytes.
inline constexpr double memory_allowance = 150e6;

/// Runs of the same work, and the limits around them (one more).
struct Series {
  measure::Work work;
  std::vector<double> seconds;
  std::vector<measure::Limits> limits;

  /// Median over the runs of the least time by the roofline, at the mean of the limits just before and just
  /// after, as a share of the time it took.
  double share() const;
  double median_seconds() const;  ///< of the runs
};

/// One limit of all.
std::vector<double> each(const std::vector<measure::Limits>& limits, double measure::Limits::*which);

/// How far a limit itself moved meanwhile: 1.5 means that its largest value was 1.5 times its least.
double unrest(const std::vector<double>& limits);

}  // namespace rung

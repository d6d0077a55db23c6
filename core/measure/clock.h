#pragma once

#include <chrono>
#include <span>

namespace rung::measure {

/// Seconds of wall-clock time since it was made, from a clock that never goes back.
class Stopwatch {
 public:
  Stopwatch() : start_(Clock::now()) {}
  /// Since it was made.
  double seconds() const { return std::chrono::duration<double>(Clock::now() - start_).count(); }

 private:
  using Clock = std::chrono::steady_clock;
  Clock::time_point start_;
};

/// The value that a share `q` of the samples does not exceed, linearly interpolated between neighbours (type
/// 7 of Hyndman and Fan, "Sample quantiles in statistical packages", 1996; NumPy's default).
/// @throws Error (usage) for no samples, or q outside [0, 1]
double quantile(std::span<const double> samples, double q);

/// quantile(samples, 0.5). Times on a shared machine have a long tail, which moves a mean and not a median.
double median(std::span<const double> samples);

}  // namespace rung::measure

#include "cli/speed_series.h"

#include "core/measure/clock.h"

namespace rung {

double Series::share() const {
  std::vector<double> shares;
  shares.reserve(seconds.size());
  for (std::size_t i = 0; i < seconds.size(); ++i) {
    const measure::Limits& before = limits[i];
    const measure::Limits& after = limits[i + 1];
    const measure::Limits between = {
        .bytes_per_second = 0.5 * (before.bytes_per_second + after.bytes_per_second),
        .flops_per_second = 0.5 * (before.flops_per_second + after.flops_per_second)};
    shares.push_back(measure::least_seconds(work, between) / seconds[i]);
  }
  return measure::median(shares);
}

double Series::median_seconds() const {
  return measure::median(seconds);
}

std::vector<double> each(const std::vector<measure::Limits>& limits, double measure::Limits::*which) {
  std::vector<double> values;
  values.reserve(limits.size());
  for (const measure::Limits& limit : limits) values.push_back(limit.*which);
  return values;
}

double unrest(const std::vector<double>& limits) {
  return measure::quantile(limits, 1) / measure::quantile(limits, 0);
}

}  // namespace rung

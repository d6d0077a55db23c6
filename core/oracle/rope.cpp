#include "core/oracle/rope.h"

#include <cmath>
#include <numbers>
#include <variant>

#include "core/error.h"
#include "core/oracle/sizes.h"

namespace rung::oracle {
namespace {

double scaled(const LinearRopeScaling& scaling, double frequency) {
  return frequency / scaling.factor;
}

/// Frequencies that turn often within the original context are kept, those that turn rarely are divided, and
/// in between the two are blended.
double scaled(const Llama3RopeScaling& scaling, double frequency) {
  const double wavelength = 2 * std::numbers::pi / frequency;
  const double turns = scaling.original_context / wavelength;
  if (turns > scaling.high_freq_factor) return frequency;
  if (turns < scaling.low_freq_factor) return frequency / scaling.factor;
  const double blend =
      (turns - scaling.low_freq_factor) / (scaling.high_freq_factor - scaling.low_freq_factor);
  return (1 - blend) * frequency / scaling.factor + blend * frequency;
}

}  // namespace

std::vector<double> rope_frequencies(const RopeConfig& config, std::int64_t D) {
  if (D <= 0 || D % 2 != 0) {
    throw Error(ErrorKind::usage, "oracle rope: head_dim must be even and positive, found {}", D);
  }
  std::vector<double> frequencies(static_cast<std::size_t>(D / 2));
  for (std::int64_t i = 0; i < D / 2; ++i) {
    frequencies[i] = std::pow(config.theta, -2.0 * static_cast<double>(i) / static_cast<double>(D));
  }
  if (const auto* linear = std::get_if<LinearRopeScaling>(&config.scaling)) {
    for (double& f : frequencies) f = scaled(*linear, f);
  } else if (const auto* llama3 = std::get_if<Llama3RopeScaling>(&config.scaling)) {
    for (double& f : frequencies) f = scaled(*llama3, f);
  } else if (const auto* given = std::get_if<RopeFrequencyFactors>(&config.scaling)) {
    require_size("rope", "factors", given->factors.size(), {D / 2});
    for (std::int64_t i = 0; i < D / 2; ++i) frequencies[i] /= given->factors[i];
  }
  return frequencies;
}

RopePair rope_pair(RopeLayout layout, std::int64_t i, std::int64_t D) {
  if (layout == RopeLayout::half_split) return {i, i + D / 2};
  return {2 * i, 2 * i + 1};
}

void rope(RopeLayout layout, std::span<const double> frequencies, std::span<const std::int64_t> positions,
          std::span<const double> x, std::int64_t H, std::span<double> y) {
  const auto T = static_cast<std::int64_t>(positions.size());
  const auto D = static_cast<std::int64_t>(2 * frequencies.size());
  require_size("rope", "x", x.size(), {T, H, D});
  require_size("rope", "y", y.size(), {T, H, D});
  for (std::int64_t t = 0; t < T; ++t) {
    for (std::int64_t h = 0; h < H; ++h) {
      const std::int64_t head = (t * H + h) * D;
      for (std::int64_t i = 0; i < D / 2; ++i) {
        const RopePair pair = rope_pair(layout, i, D);
        const double angle = static_cast<double>(positions[t]) * frequencies[i];
        const double a = x[head + pair.first];
        const double b = x[head + pair.second];
        y[head + pair.first] = a * std::cos(angle) - b * std::sin(angle);
        y[head + pair.second] = b * std::cos(angle) + a * std::sin(angle);
      }
    }
  }
}

}  // namespace rung::oracle

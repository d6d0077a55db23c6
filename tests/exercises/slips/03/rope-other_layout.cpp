// Exercise 3.2 with the two layouts exchanged.

#include <cmath>
#include <numbers>

#include "chapters/03_attention/rope.h"

namespace rung {

namespace {

double scaled(double frequency, const RopeConfig& config, std::int64_t pair) {
  if (const auto* linear = std::get_if<LinearRopeScaling>(&config.scaling)) return frequency / linear->factor;
  if (const auto* given = std::get_if<RopeFrequencyFactors>(&config.scaling)) {
    return frequency / static_cast<double>(given->factors[static_cast<std::size_t>(pair)]);
  }
  const auto* llama3 = std::get_if<Llama3RopeScaling>(&config.scaling);
  if (llama3 == nullptr) return frequency;
  const double wavelength = 2 * std::numbers::pi / frequency;
  if (wavelength < llama3->original_context / llama3->high_freq_factor) return frequency;
  if (wavelength > llama3->original_context / llama3->low_freq_factor) return frequency / llama3->factor;
  const double keep = (llama3->original_context / wavelength - llama3->low_freq_factor) /
                      (llama3->high_freq_factor - llama3->low_freq_factor);
  return (1 - keep) * frequency / llama3->factor + keep * frequency;
}

}  // namespace

std::vector<double> rope_frequencies(const RopeConfig& config, std::int64_t head_dim) {
  std::vector<double> frequencies;  // [D/2]
  for (std::int64_t pair = 0; pair < head_dim / 2; ++pair) {
    const double frequency =
        std::pow(config.theta, -2.0 * static_cast<double>(pair) / static_cast<double>(head_dim));
    frequencies.push_back(scaled(frequency, config, pair));
  }
  return frequencies;
}

Rotations::Rotations(const std::vector<double>& frequencies, std::span<const std::int32_t> positions)
    : cosines(positions.size(), frequencies.size()),
      sines(positions.size(), frequencies.size()) {  // [T, D/2]
  for (Eigen::Index t = 0; t < cosines.rows(); ++t) {
    for (Eigen::Index i = 0; i < cosines.cols(); ++i) {
      const double angle = positions[static_cast<std::size_t>(t)] * frequencies[static_cast<std::size_t>(i)];
      cosines(t, i) = static_cast<float>(std::cos(angle));
      sines(t, i) = static_cast<float>(std::sin(angle));
    }
  }
}

void rope(MatrixView x, const Rotations& rotations, RopeLayout layout) {
  const Eigen::Index half = rotations.cosines.cols();
  for (Eigen::Index t = 0; t < x.rows(); ++t) {
    for (Eigen::Index head = 0; head < x.cols(); head += 2 * half) {
      for (Eigen::Index i = 0; i < half; ++i) {
        const Eigen::Index a = head + (layout == RopeLayout::half_split ? 2 * i : i);
        const Eigen::Index b = head + (layout == RopeLayout::half_split ? 2 * i + 1 : i + half);
        const float old = x(t, a);
        x(t, a) = old * rotations.cosines(t, i) - x(t, b) * rotations.sines(t, i);
        x(t, b) = old * rotations.sines(t, i) + x(t, b) * rotations.cosines(t, i);
      }
    }
  }
}

}  // namespace rung

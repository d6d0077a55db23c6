#include "chapters/03_attention/rope.h"

#include <cmath>
#include <numbers>

namespace rung {

namespace {

// Llama 3.1: wavelengths longer than the context it was first trained on are stretched by `factor`, those
// that fit into it `high_freq_factor` times are kept, and those between are blended.
double scale_llama3(double frequency, const Llama3RopeScaling& scaling) {
  const double wavelength = 2 * std::numbers::pi / frequency;
  if (wavelength < scaling.original_context / scaling.high_freq_factor) return frequency;
  if (wavelength > scaling.original_context / scaling.low_freq_factor) return frequency / scaling.factor;
  const double keep = (scaling.original_context / wavelength - scaling.low_freq_factor) /
                      (scaling.high_freq_factor - scaling.low_freq_factor);
  return (1 - keep) * frequency / scaling.factor + keep * frequency;
}

}  // namespace

std::vector<double> rope_frequencies(const RopeConfig& config, std::int64_t head_dim) {
  std::vector<double> frequencies;
  for (std::int64_t i = 0; i < head_dim / 2; ++i) {
    double frequency = std::pow(config.theta, -2.0 * static_cast<double>(i) / static_cast<double>(head_dim));
    if (const auto* linear = std::get_if<LinearRopeScaling>(&config.scaling)) {
      frequency /= linear->factor;
    } else if (const auto* llama3 = std::get_if<Llama3RopeScaling>(&config.scaling)) {
      frequency = scale_llama3(frequency, *llama3);
    } else if (const auto* given = std::get_if<RopeFrequencyFactors>(&config.scaling)) {
      frequency /= static_cast<double>(given->factors[static_cast<std::size_t>(i)]);
    }
    frequencies.push_back(frequency);
  }
  return frequencies;
}

Rotations::Rotations(const std::vector<double>& frequencies, std::span<const std::int32_t> positions)
    : cosines(positions.size(), frequencies.size()), sines(positions.size(), frequencies.size()) {
  for (Eigen::Index t = 0; t < cosines.rows(); ++t) {
    for (Eigen::Index i = 0; i < cosines.cols(); ++i) {
      const double angle = positions[static_cast<std::size_t>(t)] * frequencies[static_cast<std::size_t>(i)];
      cosines(t, i) = static_cast<float>(std::cos(angle));
      sines(t, i) = static_cast<float>(std::sin(angle));
    }
  }
}

void rope(MatrixView x, const Rotations& rotations, RopeLayout layout) {
  const Eigen::Index half = rotations.cosines.cols();                       // D/2
  const Eigen::Index step = layout == RopeLayout::interleaved ? 2 : 1;      // from a pair to the next
  const Eigen::Index apart = layout == RopeLayout::interleaved ? 1 : half;  // from a to b of a pair
#pragma omp parallel for schedule(static) if (x.rows() > 1)
  for (Eigen::Index t = 0; t < x.rows(); ++t) {
    const float* cosines = rotations.cosines.row(t).data();
    const float* sines = rotations.sines.row(t).data();
    for (Eigen::Index head = 0; head < x.cols() / (2 * half); ++head) {
      float* values = &x(t, head * 2 * half);
      for (Eigen::Index i = 0; i < half; ++i) {
        const float a = values[i * step];
        const float b = values[i * step + apart];
        values[i * step] = a * cosines[i] - b * sines[i];
        values[i * step + apart] = a * sines[i] + b * cosines[i];
      }
    }
  }
}

}  // namespace rung

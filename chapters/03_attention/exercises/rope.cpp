// Exercise 3.2: rotary positions. What the three functions must do stands in chapters/03_attention/rope.h.
//
// This file takes the place of chapters/03_attention/rope.cpp, so it must define what that one does:
// rope_frequencies, the constructor of Rotations, and rope.

#include "chapters/03_attention/rope.h"

#include <cmath>
#include <numbers>

#include "core/error.h"

namespace rung {

namespace {

// Given: some models stretch the frequencies to read further than they were trained. `pair` counts from 0.
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
    const double frequency = 0;  // yours: the angle per position of this pair, from config.theta
    frequencies.push_back(scaled(frequency, config, pair));
  }
  return frequencies;
}

Rotations::Rotations(const std::vector<double>& frequencies, std::span<const std::int32_t> positions)
    : cosines(positions.size(), frequencies.size()),
      sines(positions.size(), frequencies.size()) {  // [T, D/2]
  throw Error(ErrorKind::bad_input,
              "Rotations is not written yet: chapters/03_attention/exercises/README.md, exercise 3.2");
}

void rope(MatrixView x, const Rotations& rotations, RopeLayout layout) {  // x: [T, heads · D], in place
  throw Error(ErrorKind::bad_input,
              "rope is not written yet: chapters/03_attention/exercises/README.md, exercise 3.2");
}

}  // namespace rung

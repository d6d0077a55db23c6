#include "chapters/08_quantization/quantized_activations.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

namespace rung {

namespace {

constexpr float smallest_magnitude = 0x1p-120F;  // 127 over it is still finite
constexpr std::int64_t worth_threads = 1 << 15;

}  // namespace

// [quantize_group]
float quantize_group(const float* numbers, std::int16_t* q) {
  float largest = 0;
  bool finite = true;
  for (int i = 0; i < activation_group; ++i) {
    const float magnitude = std::abs(numbers[i]);
    largest = magnitude > largest ? magnitude : largest;
    finite = finite && magnitude <= std::numeric_limits<float>::max();
  }
  if (!finite || largest < smallest_magnitude) {
    std::fill_n(q, activation_group, std::int16_t{0});
    return finite ? 0 : std::numeric_limits<float>::quiet_NaN();
  }
  const float inverse = 127 / largest;
  for (int i = 0; i < activation_group; ++i) {
    q[i] = static_cast<std::int16_t>(std::nearbyint(numbers[i] * inverse));
  }
  return largest / 127;
}
// [quantize_group]

QuantizedActivations::QuantizedActivations(const ConstMatrixView& x)
    : rows_(x.rows()),
      groups_(activation_groups(x.cols())),
      numbers_(static_cast<std::size_t>(rows_ * groups_ * activation_group)),
      scales_(static_cast<std::size_t>(rows_ * groups_)),
      sums_(static_cast<std::size_t>(rows_ * groups_)) {
  const std::int64_t whole = x.cols() / activation_group;
#pragma omp parallel for schedule(static) if (rows_ * x.cols() >= worth_threads)
  for (std::int64_t t = 0; t < rows_; ++t) {
    const float* row = x.row(t).data();
    for (std::int64_t g = 0; g < groups_; ++g) {
      const std::int64_t index = t * groups_ + g;
      std::int16_t* q = &numbers_[index * activation_group];
      if (g < whole) {
        scales_[index] = quantize_group(row + g * activation_group, q);
      } else {
        std::array<float, activation_group> last{};
        std::copy(row + g * activation_group, row + x.cols(), last.begin());
        scales_[index] = quantize_group(last.data(), q);
      }
    }
  }
  add_up();
}

QuantizedActivations::QuantizedActivations(std::span<const std::int8_t> numbers,
                                           std::span<const float> scales)
    : rows_(1),
      groups_(std::ssize(scales)),
      numbers_(numbers.begin(), numbers.end()),
      scales_(scales.begin(), scales.end()),
      sums_(scales.size()) {
  add_up();
}

void QuantizedActivations::add_up() {
  for (std::int64_t index = 0; index < rows_ * groups_; ++index) {
    int sum = 0;
    for (int i = 0; i < activation_group; ++i) sum += numbers_[index * activation_group + i];
    sums_[index] = scales_[index] * static_cast<float>(sum);
  }
}

const Matrix& QuantizedActivations::dequantized() const {
  if (dequantized_.size() > 0) return dequantized_;
  dequantized_.resize(rows_, groups_ * activation_group);
#pragma omp parallel for schedule(static) if (dequantized_.size() >= worth_threads)
  for (std::int64_t t = 0; t < rows_; ++t) {
    float* out = dequantized_.row(t).data();
    for (std::int64_t i = 0; i < dequantized_.cols(); ++i) {
      out[i] = scales(t)[i / activation_group] * static_cast<float>(numbers(t)[i]);
    }
  }
  return dequantized_;
}

}  // namespace rung

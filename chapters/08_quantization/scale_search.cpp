#include "chapters/08_quantization/scale_search.h"

#include <algorithm>
#include <cmath>
#include <cstddef>

namespace rung {

namespace {

// Scales tried: as if the range had that many levels more or fewer.
constexpr int tries = 10;  // on either side
constexpr float try_step = 0.1F;

}  // namespace

float search_scale(std::span<const float> numbers, std::span<const float> weights, int half) {
  float largest = 0;  // by magnitude, with its sign
  for (const float x : numbers) {
    if (std::abs(x) > std::abs(largest)) largest = x;
  }
  const auto lowest = static_cast<float>(-half);
  double best_gain = 0;
  double best_scale = 0;
  for (int k = -tries; k <= tries; ++k) {
    const float inverse = (lowest + try_step * static_cast<float>(k)) / largest;
    if (!std::isfinite(inverse)) break;  // all numbers are 0, or so small that no format tells them from 0
    double xq = 0;
    double qq = 0;
    for (std::size_t i = 0; i < numbers.size(); ++i) {
      const float q = std::clamp(std::floor(numbers[i] * inverse + 0.5F), lowest, -lowest - 1);
      xq += double{weights[i]} * numbers[i] * q;
      qq += double{weights[i]} * q * q;
    }
    // With s = xq / qq the error is Σ w x² - xq² / qq: what is taken off is to be as large as possible.
    if (qq > 0 && xq * xq > best_gain * qq) {
      best_gain = xq * xq / qq;
      best_scale = xq / qq;
    }
  }
  return static_cast<float>(best_scale);
}

ScaleAndShift search_scale_and_minimum(std::span<const float> numbers, std::span<const float> weights,
                                       int most) {
  const auto [least, greatest] = std::minmax_element(numbers.begin(), numbers.end());
  const float low = std::min(*least, 0.0F);
  const float range = *greatest - low;
  if (!(range > 0) || !std::isfinite(1 / range)) return {.scale = 0, .minimum = -low};

  const auto last = static_cast<float>(most);
  double sum_w = 0;
  double sum_x = 0;
  for (std::size_t i = 0; i < numbers.size(); ++i) {
    sum_w += double{weights[i]};
    sum_x += double{weights[i]} * numbers[i];
  }
  // The plain choice, least and greatest at the ends, is what every try is compared with.
  const auto error = [&](double scale, double minimum, float inverse) {
    double sum = 0;
    for (std::size_t i = 0; i < numbers.size(); ++i) {
      const float q = std::clamp(std::floor((numbers[i] - low) * inverse + 0.5F), 0.0F, last);
      const double off = scale * q - minimum - numbers[i];
      sum += double{weights[i]} * off * off;
    }
    return sum;
  };
  double scale = range / last;
  double minimum = -low;
  double least_error = error(scale, minimum, last / range);
  for (int k = -tries; k <= tries; ++k) {
    const float inverse = (last + try_step * static_cast<float>(k)) / range;
    double sum_q = 0;
    double sum_qq = 0;
    double sum_xq = 0;
    for (std::size_t i = 0; i < numbers.size(); ++i) {
      const float q = std::clamp(std::floor((numbers[i] - low) * inverse + 0.5F), 0.0F, last);
      sum_q += double{weights[i]} * q;
      sum_qq += double{weights[i]} * q * q;
      sum_xq += double{weights[i]} * q * numbers[i];
    }
    // The normal equations of x ≈ s q - m.
    const double determinant = sum_w * sum_qq - sum_q * sum_q;
    double m = determinant > 0 ? (sum_q * sum_xq - sum_qq * sum_x) / determinant : -low;
    m = std::max(m, 0.0);  // 0 where less would be better
    const double s = (sum_xq + m * sum_q) / sum_qq;
    const double now = error(s, m, inverse);
    if (now < least_error) {
      least_error = now;
      scale = s;
      minimum = m;
    }
  }
  return {.scale = static_cast<float>(scale), .minimum = static_cast<float>(minimum)};
}

}  // namespace rung

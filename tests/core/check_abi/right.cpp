// A library of the C ABI with all six ops at all three types, written plainly from what core/check/abi.h
// says: what it says must be enough, and what it says must be so.

#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <vector>

#include "core/check/abi.h"

namespace {

float half_to_float(std::uint16_t bits) {
  const float magnitude = (bits >> 10 & 31) == 31 ? ((bits & 1023) != 0 ? std::nanf("") : INFINITY)
                          : (bits >> 10 & 31) == 0
                              ? std::ldexp(static_cast<float>(bits & 1023), -24)
                              : std::ldexp(static_cast<float>((bits & 1023) | 1024), (bits >> 10 & 31) - 25);
  return (bits >> 15) != 0 ? -magnitude : magnitude;
}

std::uint16_t float_to_half(float value) {
  const std::uint16_t sign = std::signbit(value) ? 0x8000 : 0;
  const float magnitude = std::fabs(value);
  if (std::isnan(value)) return 0x7e00;
  if (magnitude >= 65520) return sign | 0x7c00;
  int exponent = magnitude > 0 ? std::ilogb(magnitude) : -14;
  if (exponent < -14) exponent = -14;
  // In units of the last place, rounded to nearest even; a carry into the exponent is right by itself.
  const auto units = static_cast<std::uint32_t>(std::lrint(std::ldexp(magnitude, 10 - exponent)));
  const std::uint32_t bits = units < 1024 ? units : (static_cast<std::uint32_t>(exponent + 14) << 10) + units;
  return static_cast<std::uint16_t>(sign | bits);
}

float bfloat16_to_float(std::uint16_t bits) {
  const std::uint32_t wide = std::uint32_t{bits} << 16;
  float value;
  std::memcpy(&value, &wide, sizeof value);
  return value;
}

std::uint16_t float_to_bfloat16(float value) {
  std::uint32_t bits;
  std::memcpy(&bits, &value, sizeof bits);
  if (std::isnan(value)) return 0x7fc0;
  return static_cast<std::uint16_t>((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}

float get(std::int32_t dtype, const void* data, std::int64_t i) {
  if (dtype == RUNG_F32) return static_cast<const float*>(data)[i];
  const std::uint16_t bits = static_cast<const std::uint16_t*>(data)[i];
  return dtype == RUNG_F16 ? half_to_float(bits) : bfloat16_to_float(bits);
}

void put(std::int32_t dtype, void* data, std::int64_t i, double value) {
  const auto number = static_cast<float>(value);
  if (dtype == RUNG_F32) {
    static_cast<float*>(data)[i] = number;
  } else {
    static_cast<std::uint16_t*>(data)[i] =
        dtype == RUNG_F16 ? float_to_half(number) : float_to_bfloat16(number);
  }
}

}  // namespace

extern "C" {

std::uint32_t rung_abi_version(void) {
  return RUNG_ABI_VERSION;
}

std::int32_t rung_rmsnorm(const rung_rmsnorm_args* a) {
  if (a->size < sizeof *a) return RUNG_FAILED;
  for (std::int64_t t = 0; t < a->rows; ++t) {
    double sum = 0;
    for (std::int64_t i = 0; i < a->n; ++i) sum += std::pow(get(a->dtype, a->x, t * a->x_stride + i), 2);
    const double scale = 1 / std::sqrt(sum / static_cast<double>(a->n) + a->eps);
    for (std::int64_t i = 0; i < a->n; ++i) {
      put(a->dtype, a->y, t * a->y_stride + i,
          get(a->dtype, a->x, t * a->x_stride + i) * scale * get(a->dtype, a->weight, i));
    }
  }
  return RUNG_OK;
}

std::int32_t rung_rope(const rung_rope_args* a) {
  if (a->size < sizeof *a) return RUNG_FAILED;
  const std::int64_t half = a->head_dim / 2;
  for (std::int64_t t = 0; t < a->rows; ++t) {
    for (std::int64_t h = 0; h < a->heads; ++h) {
      for (std::int64_t i = 0; i < half; ++i) {
        const double angle = a->positions[t] * std::pow(a->theta, -2.0 * static_cast<double>(i) /
                                                                      static_cast<double>(a->head_dim));
        const bool split = a->layout == RUNG_ROPE_HALF_SPLIT;
        const std::int64_t first = split ? i : 2 * i;
        const std::int64_t second = split ? i + half : 2 * i + 1;
        const std::int64_t from = (t * a->heads + h) * a->x_stride;
        const std::int64_t to = (t * a->heads + h) * a->y_stride;
        const double x_first = get(a->dtype, a->x, from + first);
        const double x_second = get(a->dtype, a->x, from + second);
        put(a->dtype, a->y, to + first, x_first * std::cos(angle) - x_second * std::sin(angle));
        put(a->dtype, a->y, to + second, x_second * std::cos(angle) + x_first * std::sin(angle));
      }
    }
  }
  return RUNG_OK;
}

std::int32_t rung_softmax(const rung_softmax_args* a) {
  if (a->size < sizeof *a) return RUNG_FAILED;
  for (std::int64_t t = 0; t < a->rows; ++t) {
    double most = -std::numeric_limits<double>::infinity();
    for (std::int64_t i = 0; i < a->n; ++i) most = std::fmax(most, get(a->dtype, a->x, t * a->x_stride + i));
    const bool masked = std::isinf(most);
    double sum = 0;
    for (std::int64_t i = 0; i < a->n && !masked; ++i)
      sum += std::exp(get(a->dtype, a->x, t * a->x_stride + i) - most);
    for (std::int64_t i = 0; i < a->n; ++i) {
      put(a->dtype, a->y, t * a->y_stride + i,
          masked ? 0 : std::exp(get(a->dtype, a->x, t * a->x_stride + i) - most) / sum);
    }
  }
  return RUNG_OK;
}

std::int32_t rung_attention(const rung_attention_args* a) {
  if (a->size < sizeof *a) return RUNG_FAILED;
  const std::int64_t T = a->queries, S = a->keys, H = a->heads, G = a->kv_heads, D = a->head_dim;
  std::vector<double> score(static_cast<std::size_t>(S));
  std::vector<double> sum(static_cast<std::size_t>(D));
  for (std::int64_t t = 0; t < T; ++t) {
    const std::int64_t position = a->first_position + t;
    for (std::int64_t h = 0; h < H; ++h) {
      const std::int64_t g = h / (H / G);
      const auto sees = [&](std::int64_t s) {
        return (a->causal == 0 || s <= position) && (a->window == 0 || s > position - a->window);
      };
      double most = -std::numeric_limits<double>::infinity();
      for (std::int64_t s = 0; s < S; ++s) {
        if (!sees(s)) continue;
        double dot = 0;
        for (std::int64_t d = 0; d < D; ++d) {
          dot += double{get(a->dtype, a->q, (t * H + h) * a->q_stride + d)} *
                 get(a->dtype, a->k, (s * G + g) * a->k_stride + d);
        }
        score[static_cast<std::size_t>(s)] = a->scale * dot;
        most = std::fmax(most, a->scale * dot);
      }
      double total = 0;
      sum.assign(sum.size(), 0);
      for (std::int64_t s = 0; s < S; ++s) {
        if (!sees(s)) continue;
        const double weight = std::exp(score[static_cast<std::size_t>(s)] - most);
        total += weight;
        for (std::int64_t d = 0; d < D; ++d) {
          sum[static_cast<std::size_t>(d)] += weight * get(a->dtype, a->v, (s * G + g) * a->v_stride + d);
        }
      }
      for (std::int64_t d = 0; d < D; ++d) {
        put(a->dtype, a->out, (t * H + h) * a->out_stride + d,
            total > 0 ? sum[static_cast<std::size_t>(d)] / total : 0);
      }
    }
  }
  return RUNG_OK;
}

std::int32_t rung_swiglu(const rung_swiglu_args* a) {
  if (a->size < sizeof *a) return RUNG_FAILED;
  for (std::int64_t t = 0; t < a->rows; ++t) {
    for (std::int64_t i = 0; i < a->n; ++i) {
      const double z = get(a->dtype, a->gate, t * a->gate_stride + i);
      put(a->dtype, a->y, t * a->y_stride + i,
          z / (1 + std::exp(-z)) * get(a->dtype, a->up, t * a->up_stride + i));
    }
  }
  return RUNG_OK;
}

std::int32_t rung_linear(const rung_linear_args* a) {
  if (a->size < sizeof *a) return RUNG_FAILED;
  for (std::int64_t m = 0; m < a->m; ++m) {
    for (std::int64_t n = 0; n < a->n; ++n) {
      double sum = 0;
      for (std::int64_t k = 0; k < a->k; ++k) {
        sum += double{get(a->dtype, a->x, m * a->x_stride + k)} * get(a->dtype, a->w, n * a->w_stride + k);
      }
      put(a->dtype, a->y, m * a->y_stride + n, sum);
    }
  }
  return RUNG_OK;
}

}  // extern "C"

#include "core/check/stochastic_rounding.h"

#include <algorithm>
#include <cmath>

namespace rung::check {
namespace {

/// The distance between subnormal numbers.
double subnormal_step(NumberType type) {
  return type == NumberType::f16 ? 0x1p-24 : type == NumberType::bf16 ? 0x1p-133 : 0x1p-149;
}

}  // namespace

StochasticRounding::StochasticRounding(NumberType type, std::uint64_t seed)
    : unit_roundoff_(unit_roundoff(type)), smallest_(subnormal_step(type)), random_(seed) {}

double StochasticRounding::operator()(double value) {
  if (!std::isfinite(value)) return value;
  int exponent = 0;
  std::frexp(value,
             &exponent);  // 2^(exponent - 1) <= |value| < 2^exponent: neighbours are 2^exponent · u apart
  const double apart = std::max(std::ldexp(unit_roundoff_, exponent), smallest_);
  const double steps = value / apart;  // exact: a power of two
  const double below = std::floor(steps);
  return (random_.uniform() < steps - below ? below + 1 : below) * apart;
}

void StochasticRounding::operator()(std::span<double> values) {
  for (double& value : values) value = (*this)(value);
}

}  // namespace rung::check

#include "chapters/02_tensors/functions.h"

#include <cstdint>

#include "chapters/02_tensors/work.h"
#include "core/check/functions/tensors.h"
#include "core/measure/roofline.h"
#include "core/tensor/half.h"

namespace rung {
namespace {

using Numbers = std::vector<double>;

Numbers run_half_to_float(const check::HalfInput& patterns) {
  Numbers values;
  for (const std::uint16_t bits : patterns) values.push_back(double{half_to_float(bits)});
  return values;
}

check::RoundedNumbers run_half_rounding(const check::RoundingInput& input) {
  check::RoundedNumbers rounded{.rule = input.rule, .bits = {}};
  for (const float number : input.numbers) {
    rounded.bits.push_back(input.rule == check::SixteenBitRule::bfloat16 ? float_to_bfloat16(number)
                                                                         : float_to_half(number));
  }
  return rounded;
}

Numbers run_linear_work(const check::LinearWorkInput& input) {
  const measure::Work work = linear_work(input.rows, input.out, input.in, input.weight);
  return {work.flops, work.bytes};
}

Numbers run_forward_work(const check::ForwardWorkInput& input) {
  const measure::Work work = measure::forward_work(input.cost, input.rows, input.past, input.wanted);
  const measure::Limits limits{.bytes_per_second = input.bytes_per_second,
                               .flops_per_second = input.flops_per_second};
  return {work.flops, work.bytes, measure::least_seconds(work, limits)};
}

}  // namespace

std::vector<check::JudgedFunction> tensors_functions() {
  return {
      check::judged<check::HalfInput, Numbers>(check::half_to_float_check(), "core/tensor/half_to_float",
                                               run_half_to_float),
      check::judged<check::RoundingInput, check::RoundedNumbers>(
          check::half_rounding_check(), "core/tensor/float_to_bfloat16 and float_to_half", run_half_rounding),
      check::judged<check::LinearWorkInput, Numbers>(check::linear_work_check(),
                                                     "chapters/02_tensors/linear_work", run_linear_work),
      check::judged<check::ForwardWorkInput, Numbers>(
          check::forward_work_check(), "core/measure/forward_work and least_seconds", run_forward_work),
  };
}

}  // namespace rung

// Exercise 9.4: how evenly experts are used. What the four functions must do stands in
// chapters/09_mixture_of_experts/expert_load.h.
//
// This file takes the place of chapters/09_mixture_of_experts/expert_load.cpp, so it must define what that one does.

#include "chapters/09_mixture_of_experts/expert_load.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "chapters/03_attention/softmax.h"
#include "core/error.h"

namespace rung {

ExpertLoad expert_load(const Routing& routing) {
  throw Error(
      ErrorKind::bad_input,
      "expert_load is not written yet: chapters/09_mixture_of_experts/exercises/README.md, exercise 9.4");
}

double balance_loss(const ConstMatrixView& scores, const Routing& routing) {
  throw Error(
      ErrorKind::bad_input,
      "balance_loss is not written yet: chapters/09_mixture_of_experts/exercises/README.md, exercise 9.4");
}

void update_bias(std::span<const std::int64_t> counts, float step, std::span<float> bias) {
  throw Error(
      ErrorKind::bad_input,
      "update_bias is not written yet: chapters/09_mixture_of_experts/exercises/README.md, exercise 9.4");
}

double expected_experts(std::int64_t experts, std::int64_t used, std::int64_t rows) {
  throw Error(ErrorKind::bad_input,
              "expected_experts is not written yet: chapters/09_mixture_of_experts/exercises/README.md, "
              "exercise 9.4");
}

}  // namespace rung

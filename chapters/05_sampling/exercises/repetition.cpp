// Exercise 5.3: the repetition penalty. What it must do stands in chapters/05_sampling/repetition.h.
//
// This file takes the place of chapters/05_sampling/repetition.cpp, so it must define what that one does:
// penalise_repetition.

#include "chapters/05_sampling/repetition.h"

#include "core/error.h"

namespace rung {

void penalise_repetition(std::span<float> logits,             // [V], in place
                         std::span<const std::int32_t> seen,  // ids; the same one may be there often
                         double penalty) {
  throw Error(
      ErrorKind::bad_input,
      "penalise_repetition is not written yet: chapters/05_sampling/exercises/README.md, exercise 5.3");
}

}  // namespace rung

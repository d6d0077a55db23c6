#include "core/check/functions/functions.h"

#include <utility>
#include <vector>

#include "chapters/05_sampling/distribution.h"
#include "chapters/candidates.h"

namespace rung {
namespace {

using Numbers = std::vector<double>;

Numbers run_repetition_penalty(const check::RepetitionInput& input) {
  std::vector<float> logits = input.logits;
  penalise_repetition(logits, input.seen, input.penalty);
  return {logits.begin(), logits.end()};
}

}  // namespace

std::vector<check::JudgedFunction> chapter_functions() {
  return {check::judged<check::RepetitionInput, Numbers>(
      check::repetition_penalty_check(), "chapters/05_sampling/penalise_repetition", run_repetition_penalty)};
}

}  // namespace rung

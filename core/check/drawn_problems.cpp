#include "core/check/drawn_problems.h"

#include "core/check/budget.h"

namespace rung::check {

DrawnProblems::DrawnProblems(const Op& op, NumberType type, std::uint64_t seed)
    : op_(&op), type_(type), seed_(seed) {
  problems_.reserve(op.problems.size());
  for (std::size_t p = 0; p < op.problems.size(); ++p) problems_.push_back(std::make_unique<Slot>());
}

std::vector<Case> DrawnProblems::cases(std::size_t problem) const {
  return draw_cases(*op_, type_, problem, seed_);
}

const DrawnProblem& DrawnProblems::operator[](std::size_t problem) const {
  Slot& slot = *problems_.at(problem);
  std::call_once(slot.computed, [&] {
    slot.problem.cases = cases(problem);
    for (const Case& drawn : slot.problem.cases) {
      slot.problem.references.push_back(op_->reference(drawn));
      slot.problem.baselines.push_back(baseline_runs(*op_, drawn));
    }
  });
  return slot.problem;
}

}  // namespace rung::check

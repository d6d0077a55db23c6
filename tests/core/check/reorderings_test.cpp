// Right kernels pass: at least three reorderings of every op, at every type, on a thousand seeds. A seed
// draws one problem of the op, in turn; `test_check "[every problem]"` draws them all (more than an hour on two
// cores; `test_check "every problem of rope"` draws one op's).

#include <string>

#include "core/check/budget.h"
#include "core/check/check.h"
#include "tests/catch.h"

using namespace rung::check;

namespace {

/// Judges all reorderings of `op` on one problem drawn from one seed.
std::string failures(const Op& op, NumberType type, std::size_t problem, std::size_t seed) {
  const DrawnProblems all(op, type, seed);
  const auto& [cases, references, baselines] = all[problem];
  const std::vector<std::string> intact(cases.size());
  std::string text;
  for (const Reordering& reordering : op.reorderings) {
    std::vector<Values> results;
    for (const Case& drawn : cases) results.push_back(reordering.run(drawn));
    for (const CaseVerdict& verdict : judge(op, {cases, results, intact, references, baselines})) {
      if (verdict.passed) continue;
      text += reordering.name + " on seed " + std::to_string(seed) + ", " + verdict.description + ": " +
              std::string(name(*verdict.failed)) + ": " + verdict.message + "\n";
    }
  }
  return text;
}

constexpr std::size_t seeds = 1000;

std::string failures(const Op& op, NumberType type) {
  std::vector<std::string> found(seeds);
#pragma omp parallel for schedule(dynamic)
  for (std::size_t seed = 0; seed < seeds; ++seed) {
    found[seed] = failures(op, type, seed % op.problems.size(), seed);
  }
  std::string text;
  for (const std::string& line : found) text += line;
  return text;
}

// Not run by ctest: for a change of an op's problems, baseline or bounds. A right kernel that is failed once
// in a thousand draws of a problem would show here, and hardly above.
void every_problem(const std::string& op_name) {
  const Op& op = find_op(op_name);
  for (const NumberType type : number_types) {
    for (std::size_t problem = 0; problem < op.problems.size(); ++problem) {
      std::vector<std::string> found(seeds);
#pragma omp parallel for schedule(dynamic)
      for (std::size_t seed = 0; seed < seeds; ++seed) found[seed] = failures(op, type, problem, seed);
      std::string text;
      for (const std::string& line : found) text += line;
      CHECK(text == "");
    }
  }
}

}  // namespace

TEST_CASE("every op has three right reorderings") {
  for (const Op& op : ops()) CHECK(op.reorderings.size() >= 3);
}

TEST_CASE("reorderings of rmsnorm pass on a thousand seeds") {
  for (const NumberType type : number_types) CHECK(failures(find_op("rmsnorm"), type) == "");
}
TEST_CASE("reorderings of rope pass on a thousand seeds") {
  for (const NumberType type : number_types) CHECK(failures(find_op("rope"), type) == "");
}
TEST_CASE("reorderings of softmax pass on a thousand seeds") {
  for (const NumberType type : number_types) CHECK(failures(find_op("softmax"), type) == "");
}
TEST_CASE("reorderings of attention pass on a thousand seeds") {
  for (const NumberType type : number_types) CHECK(failures(find_op("attention"), type) == "");
}
TEST_CASE("reorderings of swiglu pass on a thousand seeds") {
  for (const NumberType type : number_types) CHECK(failures(find_op("swiglu"), type) == "");
}
TEST_CASE("reorderings of linear pass on a thousand seeds") {
  for (const NumberType type : number_types) CHECK(failures(find_op("linear"), type) == "");
}
TEST_CASE("reorderings of the ops that only kernels have pass on a thousand seeds") {
  for (const Op& op : kernel_ops()) {
    for (const NumberType type : number_types) CHECK(failures(op, type) == "");
  }
}

TEST_CASE("every problem of rmsnorm", "[.][every problem]") {
  every_problem("rmsnorm");
}
TEST_CASE("every problem of rope", "[.][every problem]") {
  every_problem("rope");
}
TEST_CASE("every problem of softmax", "[.][every problem]") {
  every_problem("softmax");
}
TEST_CASE("every problem of attention", "[.][every problem]") {
  every_problem("attention");
}
TEST_CASE("every problem of swiglu", "[.][every problem]") {
  every_problem("swiglu");
}
TEST_CASE("every problem of linear", "[.][every problem]") {
  every_problem("linear");
}

// The functions of `./rung check`: the chapters' own are right, and each known mistake is rejected and named.

#include <set>
#include <stdexcept>

#include "chapters/candidates.h"
#include "tests/catch.h"

using namespace rung;
using namespace rung::check;

TEST_CASE("the chapters' own functions are right") {
  for (const JudgedFunction& function : chapter_functions()) {
    const FunctionReport report = function.judge(nullptr);
    INFO(to_text(report));
    CHECK(report.passed);
    CHECK(report.cases.size() >= 3);
    CHECK_FALSE(report.matched);
  }
}

TEST_CASE("every known mistake of a function is rejected and named, and it alone") {
  for (const JudgedFunction& function : chapter_functions()) {
    INFO(function.name);
    CHECK(function.mistakes.size() >= 3);
    std::set<std::string> names;
    for (std::size_t i = 0; i < function.mistakes.size(); ++i) {
      const FunctionReport report = function.judge_mistake(i);
      INFO(to_text(report));
      CHECK_FALSE(report.passed);
      REQUIRE(report.matched);
      CHECK(report.matched->name == function.mistakes[i].first);
      CHECK(report.matched->sentence.size() > 20);
      CHECK(names.insert(report.matched->name).second);
      for (const FunctionReport& also : function.judge_also(i)) {
        INFO(to_text(also));
        CHECK_FALSE(also.passed);
        REQUIRE(also.matched);
        CHECK(also.matched->name == function.mistakes[i].first);
      }
    }
  }
}

namespace {

FunctionCheck<int, int> square() {
  FunctionCheck<int, int> check;
  check.name = "square";
  check.chapter = 1;
  check.cases = {{"zero", "0", 0}, {"two", "2", 2}, {"three", "3", 3}};
  check.oracle = [](const int& x) { return x * x; };
  check.mistakes = {
      {"doubled", "doubled; a square is a product with itself", [](const int& x) { return 2 * x; }}};
  check.show = [](const int& x) { return std::to_string(x); };
  return check;
}

}  // namespace

TEST_CASE("a wrong function that is no known mistake is rejected without a name") {
  const FunctionReport report =
      judge_function<int, int>(square(), "mine", [](const int& x) { return x + 2; });
  CHECK_FALSE(report.passed);
  CHECK_FALSE(report.matched);
  CHECK(report.cases[0].message == "expected 0, found 2");
  CHECK(report.cases[1].passed);
}

TEST_CASE("what a function throws fails its case and matches no mistake") {
  const FunctionReport report = judge_function<int, int>(square(), "mine", [](const int& x) -> int {
    if (x == 3) throw std::runtime_error("not written yet");
    return 2 * x;
  });
  CHECK_FALSE(report.passed);
  CHECK(report.cases[2].message == "not written yet");
  CHECK_FALSE(report.matched);
}

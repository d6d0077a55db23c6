// Every kernel of the course is right: judged by the harness on the executor, at every type that it has.

#include "cuda/ladder.h"

#include <algorithm>
#include <filesystem>
#include <set>
#include <string>

#include "core/check/check.h"
#include "tests/catch.h"

using namespace rung;
using namespace rung::cuda;

namespace {

/// What the harness has against the ladder's rungs; empty when nothing.
std::string failures(const std::string& op, check::NumberType type) {
  const KernelLadder& ladder = find_kernel_ladder(op);
  const check::DrawnProblems problems(*ladder.judged_by, type);
  std::string text;
  for (const KernelRung& rung : ladder.rungs) {
    if (std::ranges::find(rung.types, type) == rung.types.end()) continue;  // tensor cores multiply no fp32
    const check::Report report = check::check(problems, candidate_of(ladder, rung));
    if (!report.passed) text += check::to_text(report);
    CHECK(report.not_supported().empty());
  }
  return text;
}

}  // namespace

// A test per op and type, so that they run next to each other.
#define EVERY_RUNG(op)                                               \
  TEST_CASE("every kernel of " op " is within its budget at f32") {  \
    CHECK(failures(op, check::NumberType::f32) == "");               \
  }                                                                  \
  TEST_CASE("every kernel of " op " is within its budget at f16") {  \
    CHECK(failures(op, check::NumberType::f16) == "");               \
  }                                                                  \
  TEST_CASE("every kernel of " op " is within its budget at bf16") { \
    CHECK(failures(op, check::NumberType::bf16) == "");              \
  }
EVERY_RUNG("add")
EVERY_RUNG("swiglu")
EVERY_RUNG("rmsnorm")
EVERY_RUNG("add_rmsnorm")
EVERY_RUNG("softmax")
EVERY_RUNG("rope")
EVERY_RUNG("embedding")
EVERY_RUNG("linear")
EVERY_RUNG("attention")

TEST_CASE("the ladders are whole: numbered from 1, each rung's source is there, at three types") {
  for (const KernelLadder& ladder : kernel_ladders()) {
    std::set<std::string> names;
    for (std::size_t i = 0; i < ladder.rungs.size(); ++i) {
      const KernelRung& rung = ladder.rungs[i];
      INFO(rung.source);
      CHECK(rung.number == static_cast<int>(i) + 1);
      CHECK(std::filesystem::is_regular_file(std::filesystem::path(RUNG_SOURCE_DIR) / rung.source));
      CHECK_FALSE(rung.news.empty());
      CHECK_FALSE(rung.types.empty());
      CHECK(names.insert(rung.name).second);
    }
    CHECK(&find_kernel_ladder(ladder.op) == &ladder);
  }
  CHECK_THROWS_WITH(find_kernel_ladder("convolution"), ContainsSubstring("there are add, swiglu, "));
}

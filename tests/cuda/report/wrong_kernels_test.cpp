// The checks of kernels are checked: mistakes that people make are found, by the harness, the checker or the executor.

#include "tests/cuda/report/wrong_kernels.h"

#include <string>

#include "core/check/check.h"
#include "cuda/report/measure.h"
#include "tests/catch.h"

using namespace rung;
using namespace rung::cuda;

namespace {

/// Everything that is said against a kernel.
std::string against(const RungMeasure& measured) {
  std::string text;
  if (!measured.verdict.cases.empty() && !measured.verdict.passed) {
    text += check::to_text(measured.verdict);
    if (measured.verdict.matched) text += measured.verdict.matched->name;
  }
  for (const simt::Profile* profile : {&measured.profile, &measured.findings}) {
    text += profile->error;
    for (const simt::KernelProfile& kernel : profile->kernels) {
      for (const simt::Problem& problem : kernel.problems)
        text += problem.message + " " + std::string(simt::name_of(problem.kind)) + "\n";
    }
  }
  return text;
}

}  // namespace

TEST_CASE("every wrong kernel is rejected") {
  for (const WrongKernel& wrong : wrong_kernels()) {
    INFO(wrong.op << ": " << wrong.rung.name);
    const KernelLadder& ladder = find_kernel_ladder(wrong.op);
    const bool judge = wrong.by == RejectedBy::harness;
    const RungMeasure measured =
        measure(ladder, wrong.rung, {.type = check::NumberType::f32, .judge = judge});
    const std::string words = against(measured);
    CAPTURE(words);
    switch (wrong.by) {
      case RejectedBy::harness:
        CHECK_FALSE(measured.verdict.passed);
        break;
      case RejectedBy::checker:
        CHECK_FALSE(measured.quiet());
        break;
      case RejectedBy::executor:
        CHECK((measured.profile.error != "" || measured.findings.error != ""));
        break;
    }
    CHECK(words.find(wrong.words) != std::string::npos);
  }
}

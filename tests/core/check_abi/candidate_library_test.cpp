#include "core/check/candidate_library.h"

#include <chrono>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <thread>

#include "core/check/check.h"
#include "core/check/runner.h"
#include "core/error.h"
#include "tests/catch.h"

namespace fs = std::filesystem;
using namespace rung;
using namespace rung::check;

namespace {

fs::path library(const std::string& name) {
  return fs::path(LIBRARIES) / ("lib" + name + ".so");
}

bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

/// What opening a library and asking for linear says, or "" when that works.
std::string complaint(const fs::path& path) {
  try {
    CandidateLibrary(path).candidate(find_op("linear"));
    return "";
  } catch (const Error& error) {
    return error.what();
  }
}

/// What the harness finds wrong with a library's linear first, besides its numbers, or "".
std::string problem(const std::string& name, double timeout_seconds = 10) {
  const Op& op = find_op("linear");
  const Candidate candidate = CandidateLibrary(library(name), timeout_seconds).candidate(op);
  for (const Case& one : all_cases(op, NumberType::f32)) {
    const std::string found = run_guarded(candidate, one).problem;
    if (!found.empty()) return found;
  }
  return "";
}

}  // namespace

TEST_CASE("a library with every op at every type passes through the C ABI") {
  const CandidateLibrary right(library("right"));
  CHECK(right.ops().size() == ops().size());
  for (const Op& op : ops()) {
    const Candidate candidate = right.candidate(op);
    CHECK(candidate.types.size() == 3);
    for (const NumberType type : number_types) {
      const Report report = check::check(op, type, candidate);
      INFO(to_text(report));
      CHECK(report.passed);
    }
  }
}

TEST_CASE("the documentation's RMSNorm passes, and its mistake is named") {
  const Op& op = find_op("rmsnorm");
  const Candidate right = CandidateLibrary(library("my_rmsnorm")).candidate(op);
  CHECK(right.types == std::vector<NumberType>{NumberType::f32});
  const Report passed = check::check(op, NumberType::f32, right);
  INFO(to_text(passed));
  CHECK(passed.passed);

  const Report failed =
      check::check(op, NumberType::f32, CandidateLibrary(library("my_rmsnorm_wrong")).candidate(op));
  INFO(to_text(failed));
  CHECK_FALSE(failed.passed);
  REQUIRE(failed.matched.has_value());
  CHECK(has(failed.matched->sentence, "eps"));
}

TEST_CASE("a wrong result that is a known mistake is named") {
  const Op& op = find_op("linear");
  const Report failed =
      check::check(op, NumberType::f32, CandidateLibrary(library("drops_last_k")).candidate(op));
  INFO(to_text(failed));
  CHECK_FALSE(failed.passed);
  REQUIRE(failed.matched.has_value());
  CHECK(has(failed.matched->sentence, "K"));
}

TEST_CASE("garbage does not pass") {
  const Op& op = find_op("linear");
  for (const char* const name : {"nan", "zeros"}) {
    const Report report = check::check(op, NumberType::f32, CandidateLibrary(library(name)).candidate(op));
    INFO(name);
    CHECK_FALSE(report.passed);
    CHECK(report.failed_cases() > 0);
  }
}

TEST_CASE("what a library does besides its result is found") {
  CHECK(problem("linear") == "");
  CHECK(problem("talks") == "");
  CHECK(has(problem("leaves_some"), "never written"));
  CHECK(has(problem("changes_input"), "input x was changed"));
  CHECK(has(problem("writes_before"), "before the start of"));
  CHECK(has(problem("writes_after"), "wrote"));
  CHECK(has(problem("writes_far_after"), "wrote 1 bytes past the end of y"));
  CHECK(has(problem("writes_ones_after"), "past the end of y"));
  CHECK(has(problem("writes_between"), "wrote 1 bytes"));
  CHECK(has(problem("writes_far_away"), "crashed with signal 11"));
  CHECK(has(problem("other_every_time"), "a second run gave other bits"));
  CHECK(has(problem("fails"), "returned error 77"));
  CHECK(problem("some_shapes") == "");
}

TEST_CASE("a write between two arrays is found wherever their ends fall") {
  const Op& op = find_op("linear");
  const Report report =
      check::check(op, NumberType::f32, CandidateLibrary(library("writes_between")).candidate(op));
  CHECK(report.failed_cases() == static_cast<int>(report.cases.size()));
}

TEST_CASE("a shape the kernel does not do is not judged, and counted") {
  const Op& op = find_op("linear");
  const Report some =
      check::check(op, NumberType::f32, CandidateLibrary(library("some_shapes")).candidate(op));
  INFO(to_text(some));
  CHECK(some.passed);
  CHECK(some.judged_cases() < static_cast<int>(some.cases.size()));
  for (const std::string& left_out : some.not_supported()) CHECK(has(left_out, "M=1 "));
  for (const CaseVerdict& verdict : some.cases) CHECK(verdict.judged != has(verdict.description, "M=1 "));
  CHECK(has(to_text(some), "JUDGED ON " + std::to_string(some.judged_cases()) + " OF " +
                               std::to_string(some.cases.size()) + " CASES ONLY"));
  CHECK(has(to_json(some), "\"judged_cases\": " + std::to_string(some.judged_cases())));
  CHECK(has(to_json(some), "\"supported\": false"));

  // Wrong where it is judged: the shapes that it does not do hide nothing.
  const Report wrong =
      check::check(op, NumberType::f32, CandidateLibrary(library("some_shapes_wrong")).candidate(op));
  CHECK_FALSE(wrong.passed);
  REQUIRE(wrong.matched.has_value());
  CHECK(wrong.matched->name == "last_k_dropped");

  // Nothing but a probe: no verdict at all.
  CHECK(has(complaint(library("probes_only")), "there is nothing to judge"));
  Candidate none = from_values("none", "linear", op.baseline);
  none.run = [](const Call&) { throw Error(ErrorKind::unsupported, "not this"); };
  CHECK_THROWS_AS(check::check(op, NumberType::f32, none), Error);
}

TEST_CASE("a crash is a line of the report") {
  CHECK(has(problem("crashes"), "crashed with signal 11"));
  CHECK(has(problem("crashes"), "in case linear-f32-"));
  CHECK(has(problem("exits"), "ended its process with exit status 3"));

  // The whole check comes to its end, without starting the process a hundred times.
  const Op& op = find_op("linear");
  const Report report = check::check(op, NumberType::f32, CandidateLibrary(library("crashes")).candidate(op));
  CHECK_FALSE(report.passed);
  CHECK(report.failed_cases() == static_cast<int>(report.cases.size()));
}

TEST_CASE("a library that does not return is stopped, once") {
  const auto start = std::chrono::steady_clock::now();
  CHECK(has(problem("sleeps", 0.2), "did not return within 0.2 s"));
  const Op& op = find_op("linear");
  const Report report =
      check::check(op, NumberType::f32, CandidateLibrary(library("sleeps"), 0.2).candidate(op));
  CHECK_FALSE(report.passed);
  CHECK(std::chrono::steady_clock::now() - start < std::chrono::seconds(10));
}

TEST_CASE("a library that closes the connection and does not return is stopped") {
  CHECK(has(problem("hangs_up", 0.2), "closed the connection to the harness and went on"));
}

TEST_CASE("a library cannot take the harness's memory away") {
  CHECK(problem("cuts_memory") == "");
}

TEST_CASE("what a library forks ends with it") {
  const auto running = [] {  // host processes of this library, by the command lines in /proc
    int found = 0;
    for (const auto& process : fs::directory_iterator("/proc")) {
      std::ifstream file(process.path() / "cmdline");
      const std::string line((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
      if (has(line, library("forks").string())) ++found;
    }
    return found;
  };
  CHECK(problem("forks") == "");
  for (int tries = 0; tries < 100 && running() > 0; ++tries) {  // killed, but not yet gone
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  CHECK(running() == 0);
}

TEST_CASE("a library that cannot be used is refused in one line") {
  CHECK(has(complaint("/no/such/lib.so"), "there is no such file"));
  CHECK(has(complaint(fs::path(RUNG_SOURCE_DIR) / "CMakeLists.txt"), "cannot be loaded"));
  CHECK(has(complaint(library("no_version")), "no rung_abi_version()"));
  CHECK(has(complaint(library("other_version")), "for version 42"));
  CHECK(has(complaint(library("no_ops")), "none of rung_rmsnorm, rung_rope"));
  CHECK(has(complaint(library("other_op")), "exports no rung_linear; it has softmax"));
  CHECK(has(complaint(library("crashes_at_loading")), "crashed with signal 11"));
  CHECK(has(complaint(library("crashes_at_loading")), "while it was loaded"));
}

TEST_CASE("a type the kernel does not do is not judged") {
  const Candidate linear = CandidateLibrary(library("linear")).candidate(find_op("linear"));
  CHECK(linear.types == std::vector<NumberType>{NumberType::f32});
  CHECK_THROWS_AS(CandidateLibrary(library("other_op")).candidate(find_op("softmax")), Error);  // none at all
}

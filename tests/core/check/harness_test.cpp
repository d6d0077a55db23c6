// Integrity, structure and reports: what the harness says of candidates that misbehave.

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <limits>

#include "core/check/budget.h"
#include "core/check/check.h"
#include "core/error.h"
#include "tests/catch.h"

using namespace rung::check;

namespace {

/// The right linear kernel, with something done to its memory before and after.
Candidate spoiled(std::string name, std::function<void(const Call&)> before,
                  std::function<void(const Call&)> after) {
  const Op& op = find_op("linear");
  Candidate candidate = from_values(std::move(name), "linear", op.baseline);
  candidate.run = [right = candidate.run, before, after](const Call& call) {
    if (before) before(call);
    right(call);
    if (after) after(call);
  };
  return candidate;
}

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

/// The report's first message of an integrity failure.
std::string integrity_message(const Report& report) {
  for (const CaseVerdict& verdict : report.cases) {
    if (verdict.failed == Rule::integrity) return verdict.message;
  }
  return {};
}

Report check_linear(const Candidate& candidate) {
  return check(find_op("linear"), NumberType::f32, candidate);
}

}  // namespace

TEST_CASE("the plain loop passes at every type, with the budget it was made from") {
  for (const Op& op : ops()) {
    for (const NumberType type : number_types) {
      const Report report = check(op, type, from_values("baseline", op.name, op.baseline));
      INFO(to_text(report));
      CHECK(report.passed);
      // Its rms error is what 1.5 times is allowed of, or one of nine runs that this is the mean of.
      CHECK(report.percent <= (op.shuffled_baseline ? 120 : 101) / 1.5);
      CHECK_FALSE(report.matched.has_value());
    }
  }
}

TEST_CASE("NaN output does not verify") {  // SGEMM_CUDA, PR 20
  for (const Op& op : ops()) {
    for (const NumberType type : number_types) {
      const auto nan = [](const Case& problem) {
        return Values{std::vector<double>(static_cast<std::size_t>(rung::elements(problem.outputs[0].shape)),
                                          std::numeric_limits<double>::quiet_NaN())};
      };
      const Report report = check(op, type, from_values("nan", op.name, nan));
      INFO(to_text(report));
      CHECK(report.failed_cases() == static_cast<int>(report.cases.size()));
      for (const CaseVerdict& verdict : report.cases) {
        CHECK((verdict.failed == Rule::integrity || verdict.failed == Rule::structure));
      }
    }
  }
}

TEST_CASE("one NaN among many numbers does not verify") {
  const Candidate candidate = spoiled("one nan", nullptr, [](const Call& call) {
    const float nan = std::numeric_limits<float>::quiet_NaN();
    std::memcpy(call.outputs[0].data, &nan, sizeof nan);
  });
  CHECK(check_linear(candidate).failed_cases() == static_cast<int>(check_linear(candidate).cases.size()));
}

TEST_CASE("output of zeros does not verify") {  // KernelBench, issue 165
  for (const Op& op : ops()) {
    for (const NumberType type : number_types) {
      const auto zeros = [](const Case& problem) {
        return Values{
            std::vector<double>(static_cast<std::size_t>(rung::elements(problem.outputs[0].shape)), 0)};
      };
      CHECK_FALSE(check(op, type, from_values("zeros", op.name, zeros)).passed);
    }
  }
}

TEST_CASE("a kernel that writes nothing is told so") {
  Candidate candidate{.name = "idle", .op = "linear", .types = {NumberType::f32}, .run = [](const Call&) {}};
  CHECK(contains(integrity_message(check_linear(candidate)), "numbers of output y were never written"));
}

TEST_CASE("what was added to is told from what was never written, and named") {
  const auto add = [](const Call& call) {
    const Values right = find_op("linear").baseline(to_case(call));
    const MutableTensor& y = call.outputs[0];
    for (std::int64_t r = 0; r < y.rows(); ++r) {
      for (std::int64_t c = 0; c < y.columns(); ++c) {
        std::byte* const place = y.data + (r * y.row_stride + c) * 4;
        float number = 0;
        std::memcpy(&number, place, 4);
        number += static_cast<float>(right[0][static_cast<std::size_t>(r * y.columns() + c)]);
        std::memcpy(place, &number, 4);
      }
    }
  };
  const Report added = check_linear({.name = "adds", .op = "linear", .types = {NumberType::f32}, .run = add});
  CHECK(
      contains(integrity_message(added), "numbers of output y were added to, not overwritten, first [0, 0]"));
  REQUIRE(added.matched.has_value());
  CHECK(added.matched->name == "output_added_to");
  const Report idle =
      check_linear({.name = "idle", .op = "linear", .types = {NumberType::f32}, .run = [](const Call&) {}});
  CHECK_FALSE(idle.matched.has_value());
  // Adding explains nothing where other cases are wrong in another way.
  const Report both =
      check_linear({.name = "both", .op = "linear", .types = {NumberType::f32}, .run = [&](const Call& call) {
                      if (call.input("x").rows() > 5) add(call);
                    }});
  CHECK_FALSE(both.matched.has_value());
}

TEST_CASE("who promises that the output may be an input is judged that way too") {
  for (const Op& op : ops()) {
    Candidate candidate = from_values("baseline", op.name, op.baseline);
    const Report apart = check(op, NumberType::f32, candidate);
    candidate.in_place = true;
    const Report both = check(op, NumberType::f32, candidate);
    INFO(to_text(both));
    CHECK(both.passed);
    std::size_t drawn = 0;
    for (std::size_t p = 0; p < op.problems.size(); ++p) {
      drawn += draw_cases(op, NumberType::f32, p, default_seed).size();
    }
    CHECK(both.cases.size() == apart.cases.size() + op.in_place.size() * drawn);
  }
  const Op& swiglu = find_op("swiglu");
  for (const Mistake& mistake : swiglu.mistakes) {
    if (mistake.name != "silu_over_up") continue;
    Candidate candidate = from_values(mistake.name, "swiglu", mistake.kernel);
    CHECK(check(swiglu, NumberType::f32, candidate).passed);  // as everybody else is judged
    candidate.in_place = true;
    const Report report = check(swiglu, NumberType::f32, candidate);
    CHECK_FALSE(report.passed);
    for (const CaseVerdict& verdict : report.cases) {
      if (!verdict.passed) CHECK(contains(verdict.description, "y written over up (the same memory)"));
    }
  }
}

TEST_CASE("M = 33: rows after the last whole tile that are never written are found") {  // LeetCUDA, issue 294
  const Op& op = find_op("linear");
  Candidate candidate{.name = "tiled", .op = "linear", .types = {NumberType::f32}, .run = {}};
  candidate.run = [&op](const Call& call) {
    const Values all = op.baseline(to_case(call));
    const MutableTensor& y = call.outputs[0];
    for (std::int64_t m = 0; m < y.rows() / 32 * 32; ++m) {
      for (std::int64_t n = 0; n < y.columns(); ++n) {
        const auto number = static_cast<float>(all[0][m * y.columns() + n]);
        std::memcpy(y.data + (m * y.row_stride + n) * 4, &number, 4);
      }
    }
  };
  const Report report = check_linear(candidate);
  CHECK_FALSE(report.passed);
  bool found = false;
  for (const CaseVerdict& verdict : report.cases) {
    if (contains(verdict.description, "M=32")) CHECK(verdict.passed);
    if (contains(verdict.description, "M=33 N=33 K=33")) {
      found = true;
      CHECK(verdict.message ==
            "33 of 1089 numbers of output y were never written, first [32, 0]: it was filled with NaN before "
            "the "
            "call");
    }
  }
  CHECK(found);
  REQUIRE(report.matched.has_value());
  CHECK(report.matched->name == "row_tail_dropped");
}

TEST_CASE("writes outside an output are found") {
  const auto poke = [](std::ptrdiff_t bytes_from_end) {
    return [bytes_from_end](const Call& call) {
      const MutableTensor& y = call.outputs[0];
      const std::ptrdiff_t end = ((y.rows() - 1) * y.row_stride + y.columns()) * 4;
      y.data[end + bytes_from_end] = std::byte{1};
    };
  };
  CHECK(contains(integrity_message(check_linear(spoiled("past", nullptr, poke(0)))),
                 "past the end of output y"));
  CHECK(contains(integrity_message(check_linear(spoiled("far", nullptr, poke(200)))),
                 "past the end of output y"));
  const auto before = [](const Call& call) { call.outputs[0].data[-1] = std::byte{1}; };
  CHECK(contains(integrity_message(check_linear(spoiled("before", nullptr, before))),
                 "before the start of output y"));
  const auto gap = [](const Call& call) {
    const MutableTensor& y = call.outputs[0];
    if (y.row_stride > y.columns() && y.rows() > 1) y.data[y.columns() * 4] = std::byte{1};
  };
  CHECK(contains(integrity_message(check_linear(spoiled("gap", nullptr, gap))), "into the gap after row 0"));
}

TEST_CASE("right numbers match no known mistake, whatever else is wrong") {
  const Candidate past = spoiled("past", nullptr, [](const Call& call) {
    const MutableTensor& y = call.outputs[0];
    y.data[((y.rows() - 1) * y.row_stride + y.columns()) * 4] = std::byte{1};
  });
  // Right on every second case, and no result at all on the others.
  int calls = 0;
  const Candidate some = spoiled(
      "some",
      [&calls](const Call&) {
        if (++calls % 4 < 2) throw rung::Error(rung::ErrorKind::bad_input, "not this one");
      },
      nullptr);
  for (const Candidate* candidate : {&past, &some}) {
    const Report report = check_linear(*candidate);
    INFO(to_text(report));
    CHECK_FALSE(report.passed);
    CHECK_FALSE(report.matched.has_value());
  }
}

TEST_CASE("a few NaNs are told as such, not as an rms error of NaN") {
  int calls = 0;
  const Candidate candidate = spoiled("late nan", nullptr, [&calls](const Call& call) {
    if (++calls < 100) return;
    const float nan = std::numeric_limits<float>::quiet_NaN();
    std::memcpy(call.outputs[0].data, &nan, sizeof nan);
  });
  const std::string text = to_text(check_linear(candidate));
  INFO(text);
  CHECK(contains(text, "integrity in"));
  CHECK(contains(text, "is nan, expected "));
  CHECK_FALSE(contains(text, "rms"));
}

TEST_CASE("numbers that differ are printed so that one sees it") {
  CHECK(tell_apart(0.5, 0.25).first == "0.5");
  CHECK(tell_apart(1, 1 + 0x1p-23).second == "1.00000012");
  CHECK(tell_apart(1, 1 + 0x1p-52).second == "1.0000000000000002");
}

TEST_CASE("a changed input is found") {
  const auto change = [](const Call& call) {
    auto* x = const_cast<std::byte*>(call.input("x").data);
    x[0] = static_cast<std::byte>(static_cast<unsigned char>(x[0]) ^ 1U);
  };
  CHECK(integrity_message(check_linear(spoiled("change", nullptr, change))) == "input x was changed");
}

TEST_CASE("a second run must give the same bits, unless the op declares otherwise") {
  int runs = 0;
  const auto last_bit = [&runs](const Call& call) {
    std::byte& low = call.outputs[0].data[0];
    if (++runs % 2 == 0) low = static_cast<std::byte>(static_cast<unsigned char>(low) ^ 1U);
  };
  const Candidate candidate = spoiled("uncertain", nullptr, last_bit);
  CHECK(
      contains(integrity_message(check_linear(candidate)), "a second run gave other bits, first at y[0, 0]"));
  Op op = find_op("linear");
  op.deterministic = false;
  CHECK(integrity_message(check(op, NumberType::f32, candidate)).empty());
}

TEST_CASE("what lies behind an input reads as NaN") {
  Candidate candidate = spoiled("reads on", nullptr, [](const Call& call) {
    const ConstTensor& x = call.input("x");
    float beyond = 0;
    std::memcpy(&beyond, x.data + ((x.rows() - 1) * x.row_stride + x.columns()) * 4, 4);
    float first = 0;
    std::memcpy(&first, call.outputs[0].data, 4);
    first += 0 * beyond;
    std::memcpy(call.outputs[0].data, &first, 4);
  });
  const Report report = check_linear(candidate);
  CHECK(report.failed_cases() == static_cast<int>(report.cases.size()));
}

TEST_CASE("an error that a candidate throws becomes its verdict") {
  const auto refuse = [](const Call&) { throw rung::Error(rung::ErrorKind::bad_input, "no such kernel"); };
  const Report report = check_linear(spoiled("throws", refuse, nullptr));
  CHECK(report.failed_cases() == static_cast<int>(report.cases.size()));
  CHECK(integrity_message(report) == "no such kernel");
  CHECK_FALSE(report.matched.has_value());
}

TEST_CASE("a candidate is not called with a type it does not take") {
  Candidate candidate{
      .name = "f32 only", .op = "linear", .types = {NumberType::f32}, .run = [](const Call&) {}};
  CHECK_THROWS_AS(check(find_op("linear"), NumberType::bf16, candidate), rung::Error);
}

TEST_CASE("the report names the worst element, the share of its budget and the known mistake") {
  const Op& op = find_op("attention");
  for (const Mistake& mistake : op.mistakes) {
    if (mistake.name != "kv_head_modulo") continue;
    const Report report = check(op, NumberType::bf16, from_values("candidate.so", op.name, mistake.kernel));
    const std::string text = to_text(report);
    INFO(text);
    CHECK(contains(text, "attention  bf16  candidate.so   FAIL   worst [t="));
    CHECK(contains(text, "its budget"));
    CHECK(contains(text, "seed "));
    CHECK(contains(text,
                   "it matches a known mistake: \"KV head of query head h taken as h % G; it is h / (H / G)\""
                   "   (chapter 3)"));
    CHECK(contains(to_json(report), "\"name\": \"kv_head_modulo\""));
    CHECK(contains(to_json(report), "\"passed\": false"));
  }
}

TEST_CASE("an oracle that gives nothing but zeros judges nothing") {
  const Op& op = find_op("linear");
  const std::vector<Case> cases = draw_cases(op, NumberType::f32, 0, 1);
  const std::size_t n = cases.size();
  const std::vector<std::vector<Reference>> zeros(n,
                                                  {{.value = {0}, .accumulated = {0}, .intermediate = {0}}});
  const std::vector<Values> results(n, Values{{0}});
  const std::vector<std::string> intact(n);
  const std::vector<std::vector<Values>> baselines(n, results);
  CHECK_THROWS_AS(judge(op, {cases, results, intact, zeros, baselines}), rung::Error);
}

namespace {

/// The verdict on four rows, row 0 a million times the others, whose errors relative to their size are those
/// given; the plain loop's are 1e-7 everywhere. The element bound is so wide that it does not decide.
CaseVerdict judge_rows(const std::array<double, 4>& errors) {
  const Op& op = find_op("linear");
  constexpr std::size_t columns = 64;
  std::vector<Case> cases = {draw_cases(op, NumberType::f32, 4, 1)[0]};
  cases[0].outputs = {{.name = "y", .shape = {4, columns}, .row_stride = columns}};
  Reference reference;
  Values baseline(1);
  Values result(1);
  for (std::size_t row = 0; row < 4; ++row) {
    for (std::size_t i = 0; i < columns; ++i) {
      const double r = row == 0 ? 1e6 : 1;
      reference.value.push_back(r);
      reference.accumulated.push_back(100 * r);
      reference.intermediate.push_back(0);
      baseline[0].push_back(r * (1 + 1e-7));
      result[0].push_back(r * (1 + errors[row]));
    }
  }
  const std::vector<std::string> intact(1);
  const std::vector<Values> results = {result};
  const std::vector<std::vector<Values>> baselines = {{baseline}};
  const std::vector<std::vector<Reference>> references = {{reference}};
  return judge(op, {cases, results, intact, references, baselines})[0];
}

}  // namespace

TEST_CASE("the whole may have one and a half times the plain loop's error") {
  CHECK(judge_rows({1.4e-7, 1.4e-7, 1.4e-7, 1.4e-7}).passed);
  const CaseVerdict found = judge_rows({1.6e-7, 1.6e-7, 1.6e-7, 1.6e-7});
  CHECK(found.failed == Rule::rms);
  CHECK(contains(found.message, "1.60 times the plain loop's"));
}

TEST_CASE("a small row cannot hide behind a large one") {
  CHECK(judge_rows({1e-7, 1e-7, 1e-7, 2.9e-7}).passed);
  const CaseVerdict found = judge_rows({1e-7, 1e-7, 1e-7, 1e-6});
  CHECK(found.failed == Rule::row);
  CHECK(contains(found.message, "rms error of row 3"));
}

TEST_CASE("structural probes find what they are for, without any budget") {
  const struct {
    const char* op;
    const char* mistake;
    NumberType type;
    const char* probe;
  } found[] = {
      {"linear", "operands_in_tf32", NumberType::f32, "whole-4095"},
      {"linear", "result_truncated", NumberType::bf16, "whole-15"},
      {"linear", "last_k_dropped", NumberType::f16, "whole-1"},
      {"attention", "own_key_masked", NumberType::f32, "causal"},
      {"attention", "next_key_seen", NumberType::bf16, "causal"},
      {"attention", "window_one_longer", NumberType::f16, "window"},
      {"attention", "window_one_shorter", NumberType::f16, "window"},
      {"attention", "masked_after_softmax", NumberType::f32, "unread"},  // it reads keys that hold NaN
      {"attention", "masked_row_mean", NumberType::f32, "nothing"},
      {"attention", "scale_left_out", NumberType::f32, "gap"},
      {"attention", "scale_of_all_heads", NumberType::bf16, "gap"},
      {"attention", "result_truncated", NumberType::bf16, "mean"},
      {"rmsnorm", "result_truncated", NumberType::f16, "once"},
      {"rmsnorm", "sum_not_mean", NumberType::f32, "signs"},
      {"swiglu", "result_truncated", NumberType::bf16, "once"},
      {"swiglu", "sigmoid", NumberType::f32, "ends"},
      {"softmax", "max_not_subtracted", NumberType::f32, "equal"},
      {"softmax", "blocks_not_rescaled", NumberType::f32, "steps"},
      {"softmax", "exponentials_rounded", NumberType::f16, "once"},
      {"softmax", "exponentials_rounded", NumberType::bf16, "once"},
      {"swiglu", "sigmoid_rounded", NumberType::f16, "silu"},
      {"swiglu", "sigmoid_rounded", NumberType::bf16, "silu"},
      {"rope", "other_layout", NumberType::f32, "pairs"},
  };
  for (const auto& f : found) {
    const Op& op = find_op(f.op);
    for (const Mistake& mistake : op.mistakes) {
      if (mistake.name != f.mistake) continue;
      bool failed = false;
      for (const CaseVerdict& verdict :
           check_probes(op, f.type, from_values(mistake.name, op.name, mistake.kernel))) {
        failed = failed || (!verdict.passed && contains(verdict.case_name, f.probe));
      }
      INFO(f.op << " " << f.mistake << " " << f.probe);
      CHECK(failed);
    }
  }
}

TEST_CASE("FlashAttention's exp2 with a fused multiply-add is a right softmax") {
  const Op& op = find_op("softmax");
  const auto kernel = [](const Case& problem) {
    constexpr float log2e = 1.4426950408889634F;
    constexpr float masked = -std::numeric_limits<float>::infinity();
    const Array& x = problem.input("x");
    Values values(1);
    for (std::int64_t r = 0; r < x.rows(); ++r) {
      const auto row = x.row(r);
      const float largest = *std::max_element(row.begin(), row.end());
      float sum = 0;
      std::vector<float> terms;
      for (const float logit : row) {
        terms.push_back(largest == masked ? 0 : std::exp2(std::fma(logit, log2e, -largest * log2e)));
        sum += terms.back();
      }
      for (const float term : terms) values[0].push_back(largest == masked ? 0 : double{term / sum});
    }
    return values;
  };
  for (const NumberType type : number_types) {
    const Report report = check(op, type, from_values("exp2", op.name, kernel));
    INFO(to_text(report));
    CHECK(report.passed);
  }
}

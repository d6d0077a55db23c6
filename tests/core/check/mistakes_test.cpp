// The checks are checked: every known mistake is rejected and named, and how subtle it is, is measured.

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "core/check/budget.h"
#include "core/check/check.h"
#include "core/check/ops/arithmetic.h"
#include "core/check/rules.h"
#include "tests/catch.h"

using namespace rung::check;

namespace {

/// One mistake at one type that it claims.
struct Claim {
  const Mistake* mistake;
  NumberType type;
};

std::vector<Claim> claims(const Op& op) {
  std::vector<Claim> all;
  for (const Mistake& mistake : op.mistakes) {
    for (const NumberType type : mistake.types) all.push_back({&mistake, type});
  }
  return all;
}

/// The op's problems, drawn once for all its mistakes.
std::map<NumberType, DrawnProblems> at_every_type(const Op& op) {
  std::map<NumberType, DrawnProblems> problems;
  for (const NumberType type : number_types) problems.try_emplace(type, op, type);
  return problems;
}

/// Every claim of the op: rejected, and named as itself. What went wrong, one line each.
std::string unproven_claims(const Op& op) {
  const std::vector<Claim> all = claims(op);
  std::vector<std::string> wrong(all.size());
  const std::map<NumberType, DrawnProblems> problems = at_every_type(op);
#pragma omp parallel for schedule(dynamic)
  for (std::size_t i = 0; i < all.size(); ++i) {
    const auto& [mistake, type] = all[i];
    Candidate candidate = from_values(mistake->name, op.name, mistake->kernel);
    candidate.in_place = true;  // some show there alone
    const Report report = check(problems.at(type), candidate);
    const std::string found = report.matched ? report.matched->name : "nothing";
    if (report.passed)
      wrong[i] = mistake->name + " is accepted: " + to_text(report);
    else if (found != mistake->name)
      wrong[i] = mistake->name + " is taken for " + found + ": " + to_text(report);
  }
  std::string text;
  for (const std::string& line : wrong) text += line;
  return text;
}

/// Whether allclose(1e-2) accepts the mistake on some N(0, 1) case at a type it claims, on which the standard
/// rejects it: on the case itself or, by rms and rows, on the draws it belongs to.
bool subtle(const std::map<NumberType, DrawnProblems>& problems, const Mistake& mistake) {
  for (const NumberType type : mistake.types) {
    const DrawnProblems& all = problems.at(type);
    for (std::size_t p = 0; p < all.size(); ++p) {
      if (!all.op().problems[p].normal) continue;
      const DrawnProblem& drawn = all[p];
      std::vector<Values> results;
      bool close = true;
      for (std::size_t c = 0; c < drawn.cases.size(); ++c) {
        results.push_back(mistake.kernel(drawn.cases[c]));
        close = close && allclose_1e2(results.back()[0], drawn.references[c][0].value);
      }
      if (!close) continue;
      const std::vector<std::string> intact(drawn.cases.size());
      const auto verdicts =
          judge(all.op(), {drawn.cases, results, intact, drawn.references, drawn.baselines});
      if (std::any_of(verdicts.begin(), verdicts.end(), [](const CaseVerdict& v) { return !v.passed; }))
        return true;
    }
  }
  return false;
}

const Mistake& find_mistake(const Op& op, const char* name) {
  const auto found = std::find_if(op.mistakes.begin(), op.mistakes.end(),
                                  [&](const Mistake& mistake) { return mistake.name == name; });
  REQUIRE(found != op.mistakes.end());
  return *found;
}

}  // namespace

TEST_CASE("every known mistake of rmsnorm is rejected and named") {
  CHECK(unproven_claims(find_op("rmsnorm")) == "");
}
TEST_CASE("every known mistake of rope is rejected and named") {
  CHECK(unproven_claims(find_op("rope")) == "");
}
TEST_CASE("every known mistake of softmax is rejected and named") {
  CHECK(unproven_claims(find_op("softmax")) == "");
}
TEST_CASE("every known mistake of attention is rejected and named") {
  CHECK(unproven_claims(find_op("attention")) == "");
}
TEST_CASE("every known mistake of swiglu is rejected and named") {
  CHECK(unproven_claims(find_op("swiglu")) == "");
}
TEST_CASE("every known mistake of linear is rejected and named") {
  CHECK(unproven_claims(find_op("linear")) == "");
}

TEST_CASE("every known mistake of the ops that only kernels have is rejected and named") {
  for (const Op& op : kernel_ops()) CHECK(unproven_claims(op) == "");
}

TEST_CASE("the catalogue is large, its names are unique, and a good part of it is subtle") {
  std::size_t all = 0;
  int all_subtle = 0;
  for (const Op& op : ops()) {
    std::set<std::string> names;
    std::vector<char> is_subtle(op.mistakes.size(), 0);
    const std::map<NumberType, DrawnProblems> problems = at_every_type(op);
#pragma omp parallel for schedule(dynamic)
    for (std::size_t m = 0; m < op.mistakes.size(); ++m)
      is_subtle[m] = subtle(problems, op.mistakes[m]) ? 1 : 0;
    std::string subtle_names;
    for (std::size_t m = 0; m < op.mistakes.size(); ++m) {
      names.insert(op.mistakes[m].name);
      CHECK(op.mistakes[m].sentence.size() > 10);
      if (is_subtle[m] != 0) subtle_names += " " + op.mistakes[m].name;
      all_subtle += is_subtle[m];
    }
    WARN(op.name << ": " << op.mistakes.size() << " mistakes, subtle:" << subtle_names);
    CHECK(names.size() == op.mistakes.size());
    CHECK(names.size() >= 6);
    all += names.size();
  }
  CHECK(all >= 36);
  CHECK(all_subtle >= 12);
}

TEST_CASE("a tolerance of 1e-2 hides errors that the standard finds") {  // llm.c, issue 223
  // Everything that 1e-2 sees of these, on every N(0, 1) case, is fine.
  const struct {
    const char* op;
    const char* mistake;
    NumberType type;
  } hidden[] = {{"rmsnorm", "eps_outside", NumberType::f32},
                {"softmax", "difference_in_bf16", NumberType::bf16},
                {"swiglu", "approximate_tanh", NumberType::f32}};
  for (const auto& h : hidden) {
    const Op& op = find_op(h.op);
    const Mistake& mistake = find_mistake(op, h.mistake);
    for (std::size_t p = 0; p < op.problems.size(); ++p) {
      if (!op.problems[p].normal) continue;
      for (const Case& problem : draw_cases(op, h.type, p, default_seed)) {
        CHECK(allclose_1e2(mistake.kernel(problem)[0], op.reference(problem)[0].value));
      }
    }
    CHECK_FALSE(check(op, h.type, from_values(h.mistake, h.op, mistake.kernel)).passed);
  }
}

namespace {

using Row = std::vector<float>;

/// A softmax candidate that treats each row by itself.
Candidate softmax_by_rows(const std::function<void(Row&)>& softmax) {
  return from_values("softmax", "softmax", [softmax](const Case& problem) {
    const Array& x = problem.input("x");
    std::vector<float> y;
    for (std::int64_t r = 0; r < x.rows(); ++r) {
      Row row(x.row(r).begin(), x.row(r).end());
      softmax(row);
      y.insert(y.end(), row.begin(), row.end());
    }
    return Values{rounded<float>(problem.type, y)};
  });
}

void divide_by_sum(Row& row) {
  float sum = 0;
  for (const float e : row) sum += e;
  for (float& e : row) e /= sum;
}

/// As Eigen's vectorised one: its ends are fp32's.
float exp_with_ends(float x) {
  return std::exp(std::clamp(x, -87.0F, 88.7F));
}

bool all_masked(const Row& row) {
  return std::ranges::all_of(row, [](float x) { return x == -INFINITY; });
}

}  // namespace

TEST_CASE("the maximum not subtracted is named, whatever becomes of what fp32 cannot hold") {
  const struct {
    const char* what;
    std::function<void(Row&)> softmax;
  } written[] = {
      {"no guard",
       [](Row& row) {
         for (float& x : row) x = std::exp(x);
         divide_by_sum(row);
       }},
      {"a masked row gives 0",
       [](Row& row) {
         const bool masked = all_masked(row);
         for (float& x : row) x = std::exp(x);
         if (!masked) divide_by_sum(row);
       }},
      {"a sum of 0 divides nothing",
       [](Row& row) {
         for (float& x : row) x = std::exp(x);
         if (std::ranges::any_of(row, [](float e) { return e != 0; })) divide_by_sum(row);
       }},
      {"exp never gives infinity",
       [](Row& row) {
         const bool masked = all_masked(row);
         for (float& x : row) x = masked ? 0 : exp_with_ends(x);
         if (!masked) divide_by_sum(row);
       }},
      {"every NaN made 0",
       [](Row& row) {
         for (float& x : row) x = std::exp(x);
         divide_by_sum(row);
         for (float& x : row) x = std::isnan(x) ? 0 : x;
       }},
  };
  for (const auto& one : written) {
    const Report report = check(find_op("softmax"), NumberType::f32, softmax_by_rows(one.softmax));
    INFO(one.what << "\n" << to_text(report));
    CHECK_FALSE(report.passed);
    REQUIRE(report.matched.has_value());
    CHECK(report.matched->name == "max_not_subtracted");
  }
}

TEST_CASE("what is left to chance is no licence: another error beyond fp32's range has no such name") {
  const auto stable = [](Row& row, float lowest) {
    if (all_masked(row)) {
      std::ranges::fill(row, 0.0F);
      return;
    }
    const float largest = *std::ranges::max_element(row);
    for (float& x : row) x = std::exp(std::max(x - largest, lowest));
    divide_by_sum(row);
  };
  const auto judged = [&](const std::function<void(Row&)>& softmax) {
    return check(find_op("softmax"), NumberType::f32, softmax_by_rows(softmax));
  };
  CHECK(judged([&](Row& row) { stable(row, -INFINITY); }).passed);
  // Wrong where logits are far apart, right where all of them are large.
  const Report clamped = judged([&](Row& row) { stable(row, -70); });
  CHECK_FALSE(clamped.passed);
  CHECK_FALSE(clamped.matched.has_value());
  // Wrong wherever fp32 has no room, and also elsewhere.
  const Report doubled = judged([&](Row& row) {
    for (float& x : row) x = std::exp(x);
    divide_by_sum(row);
    row.back() *= 1.001F;
  });
  CHECK_FALSE(doubled.passed);
  CHECK_FALSE(doubled.matched.has_value());
}

namespace {

/// A softmax over q·k without the largest score subtracted, and what becomes of exponentials and their sum.
Candidate attention_without_maximum(const std::function<void(Row&)>& weights) {
  return from_values("attention", "attention", [weights](const Case& problem) {
    const std::int64_t T = problem.integer("T"), S = problem.integer("S"), H = problem.integer("H"),
                       D = problem.integer("D"), sharing = H / problem.integer("G");
    const std::int64_t first = problem.integer("first_position"), window = problem.integer("window");
    const Array& q = problem.input("q");
    const Array& k = problem.input("k");
    const Array& v = problem.input("v");
    std::vector<float> out;
    for (std::int64_t row = 0; row < T * H; ++row) {
      const std::int64_t position = first + row / H;
      const std::int64_t group = row % H / sharing;
      Row scores;
      std::vector<std::int64_t> keys;
      for (std::int64_t j = 0; j < S; ++j) {
        if (problem.integer("causal") == 1 && j > position) continue;
        if (window > 0 && j <= position - window) continue;
        float score = 0;
        for (std::int64_t d = 0; d < D; ++d) score += q.row(row)[d] * k.row(j * (H / sharing) + group)[d];
        scores.push_back(score * static_cast<float>(problem.param("scale")));
        keys.push_back(j);
      }
      if (!scores.empty()) weights(scores);
      for (std::int64_t d = 0; d < D; ++d) {
        float sum = 0;
        for (std::size_t i = 0; i < keys.size(); ++i) {
          sum += scores[i] * v.row(keys[i] * (H / sharing) + group)[static_cast<std::size_t>(d)];
        }
        out.push_back(sum);
      }
    }
    return Values{rounded<float>(problem.type, out)};
  });
}

}  // namespace

TEST_CASE("attention without the maximum subtracted is named, whatever guards it from NaN") {
  const std::function<void(Row&)> written[] = {
      [](Row& row) {
        for (float& x : row) x = std::exp(x);
        divide_by_sum(row);
      },
      [](Row& row) {
        for (float& x : row) x = std::exp(std::min(x, 80.0F));
        divide_by_sum(row);
      },
      [](Row& row) {
        for (float& x : row) x = exp_with_ends(x);
        divide_by_sum(row);
      },
      [](Row& row) {
        for (float& x : row) x = std::exp(x);
        divide_by_sum(row);
        for (float& x : row) x = std::isnan(x) ? 0 : x;
      },
  };
  const Op& op = find_op("attention");
  for (const auto& weights : written) {
    const Report report = check(op, NumberType::f32, attention_without_maximum(weights));
    INFO(to_text(report));
    CHECK_FALSE(report.passed);
    REQUIRE(report.matched.has_value());
    CHECK(report.matched->name == "max_not_subtracted");
  }
  const auto stable = [](Row& row, float factor) {
    const float largest = *std::ranges::max_element(row);
    for (float& x : row) x = std::exp(x - largest);
    divide_by_sum(row);
    if (std::abs(largest) > 80) row.back() *= factor;
  };
  CHECK(check(op, NumberType::f32, attention_without_maximum([&](Row& row) { stable(row, 1); })).passed);
  // Another error of large scores alone, and one that is everywhere.
  const Report other = check(op, NumberType::f32, attention_without_maximum([&](Row& row) {
                               for (float& x : row) x = std::exp(x);
                               divide_by_sum(row);
                               row.front() *= 1.001F;
                             }));
  CHECK_FALSE(other.passed);
  CHECK_FALSE(other.matched.has_value());
}

namespace {

/// A swiglu that treats each number by itself.
Candidate swiglu_by_numbers(const std::function<float(float)>& silu) {
  return from_values("swiglu", "swiglu", [silu](const Case& problem) {
    const Array& gate = problem.input("gate");
    const Array& up = problem.input("up");
    std::vector<float> y;
    for (std::int64_t r = 0; r < gate.rows(); ++r) {
      for (std::size_t i = 0; i < gate.row(r).size(); ++i) y.push_back(silu(gate.row(r)[i]) * up.row(r)[i]);
    }
    return Values{rounded<float>(problem.type, y)};
  });
}

}  // namespace

TEST_CASE("no number is no number: an overflow is named whether infinity or NaN comes of it") {
  const auto judged = [](const std::function<float(float)>& silu) {
    return check(find_op("swiglu"), NumberType::f32, swiglu_by_numbers(silu));
  };
  const std::function<float(float)> overflowing[] = {
      [](float x) { return x * std::exp(x) / (1 + std::exp(x)); },
      [](float x) { return x * (std::exp(x) / (1 + std::exp(x))); },
      [](float x) { return x * exp_with_ends(x) / (1 + exp_with_ends(x)); }};  // as through Eigen
  for (const auto& silu : overflowing) {
    const Report report = judged(silu);
    INFO(to_text(report));
    CHECK_FALSE(report.passed);
    REQUIRE(report.matched.has_value());
    CHECK(report.matched->name == "overflowing");
  }
  // Where the mistake gives a number, no number is another mistake; and so is a number where it gives none.
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const auto right = [](float x) { return x / (1 + std::exp(-x)); };
  CHECK(judged(right).passed);
  for (const Report& report : {judged([&](float x) { return x > 40 ? nan : right(x); }),
                               judged([&](float x) { return x > 95 ? nan : right(x); }),
                               judged([&](float x) { return x > 89 ? 2 * x : right(x); }),
                               judged([&](float x) { return x < -89 ? nan : right(x); })}) {
    INFO(to_text(report));
    CHECK_FALSE(report.passed);
    CHECK_FALSE(report.matched.has_value());
  }
}

TEST_CASE("RoPE pairs laid out the other way are found at the first token that turns") {  // llama2.c, PR 286
  const Op& op = find_op("rope");
  const Mistake& mistake = find_mistake(op, "other_layout");
  for (const NumberType type : number_types) {
    const Report report = check(op, type, from_values("other", op.name, mistake.kernel));
    REQUIRE(report.matched.has_value());
    CHECK(report.matched->name == "other_layout");
    for (const CaseVerdict& verdict : report.cases) {
      const bool two_tokens = verdict.description.find("T=2 H=5 D=64") != std::string::npos;
      if (two_tokens) CHECK_FALSE(verdict.passed);  // positions 0 and 1
    }
  }
}

TEST_CASE("a prefill longer than the window that breaks causality is found") {  // litgpt, issue 2182
  const Op& op = find_op("attention");
  const Mistake& mistake = find_mistake(op, "window_without_causal");
  for (const NumberType type : number_types) {
    const Report report = check(op, type, from_values("causal lost", op.name, mistake.kernel));
    REQUIRE(report.matched.has_value());
    CHECK(report.matched->name == "window_without_causal");
  }
}

TEST_CASE(
    "the rules' table: the standard catches everything and fails nothing right, no published rule does "
    "both") {
  for (const NumberType type : number_types) {
    const RulesTable table = rules_table(type);
    const RuleScore& standard = table.scores.back();
    INFO(to_text(std::span(&table, 1)));
    CHECK(standard.caught == table.mistakes);
    CHECK(standard.failed_correct == 0);
    CHECK(table.scores.size() == published_rules().size() + 1);
    for (std::size_t rule = 0; rule + 1 < table.scores.size(); ++rule) {
      CHECK((table.scores[rule].caught < table.mistakes || table.scores[rule].failed_correct > 0));
      CHECK(table.scores[rule].caught >= table.scores[rule].caught_normal);
    }
    CHECK(to_json(std::span(&table, 1)).find("\"the standard\"") != std::string::npos);
  }
}

#include "core/check/check.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <optional>
#include <span>
#include <utility>

#include <fmt/format.h>

#include "core/check/budget.h"
#include "core/check/index.h"
#include "core/check/mistake_match.h"
#include "core/check/runner.h"
#include "core/error.h"

namespace rung::check {
namespace {

Case as_called(const Candidate& candidate, const Case& problem) {
  return candidate.as_called ? candidate.as_called(problem) : problem;
}

RunResult run_case(const Op& op, const Candidate& candidate, const Case& problem, Progress* progress) {
  const RunningCase running(progress, problem.name, problem.description);
  return run_guarded(candidate, problem, op.deterministic);
}

/// Rule 2: exact results of a problem that needs no oracle.
/// @param[out] outputs  what the candidate gave; empty when it threw
CaseVerdict check_probe(const Op& op, const Probe& probe, const Candidate& candidate, Progress* progress,
                        Values& outputs) {
  const Case& problem = probe.problem;
  CaseVerdict verdict;
  verdict.case_name = problem.name;
  verdict.description = problem.description;
  verdict.seed = problem.seed;

  RunResult result = run_case(op, candidate, problem, progress);
  verdict.judged = result.supported;
  verdict.added_to = result.added_to;
  if (!result.problem.empty()) {
    verdict.passed = false;
    verdict.failed = Rule::integrity;
    verdict.message = result.problem;
    verdict.percent = std::numeric_limits<double>::infinity();
  }
  if (result.outputs.empty()) return verdict;

  for (std::size_t i = 0; i < probe.expected.size(); ++i) {
    const double got = result.outputs[0][i];
    const double want = probe.expected[i];
    const double allowed = probe.ulps * 2 * unit_roundoff(problem.type) * std::abs(want);
    if (std::abs(got - want) <= allowed) continue;
    verdict.percent = std::numeric_limits<double>::infinity();
    if (verdict.passed) {
      verdict.passed = false;
      verdict.failed = Rule::structure;
      verdict.deviates = true;
      const auto [is, must_be] = tell_apart(got, want);
      verdict.message = fmt::format("{} is {} and must be {}{}: {}", locate(op, problem, 0, i), is,
                                    allowed == 0 ? "exactly " : "", must_be, probe.what);
    }
    if (!verdict.worst) {
      verdict.worst = WorstElement{.output = problem.outputs[0].name,
                                   .index = index_of(problem.outputs[0].shape, i),
                                   .where = locate(op, problem, 0, i),
                                   .got = got,
                                   .want = want,
                                   .percent = verdict.percent};
    }
  }
  outputs = std::move(result.outputs);
  return verdict;
}

CaseVerdict not_judged(const Case& problem) {
  CaseVerdict verdict;
  verdict.case_name = problem.name;
  verdict.description = problem.description;
  verdict.seed = problem.seed;
  verdict.judged = false;
  return verdict;
}

/// Those of `all` that `keep` names.
template <typename T>
std::vector<T> picked(const std::vector<T>& all, const std::vector<std::size_t>& keep) {
  std::vector<T> kept;
  kept.reserve(keep.size());
  for (const std::size_t i : keep) kept.push_back(all[i]);
  return kept;
}

/// Rules 1 and 3 on one problem's draws. Those that the candidate does not do are not judged, and no
/// evidence.
/// @param drawn_cases  the problem's, perhaps to be computed in place
std::vector<CaseVerdict> check_problem(const DrawnProblems& all, std::size_t number,
                                       const std::vector<Case>& drawn_cases, const Candidate& candidate,
                                       Progress* progress, std::vector<Evidence>& evidence) {
  std::vector<CaseVerdict> verdicts;
  std::vector<std::size_t> done;  // which draws
  std::vector<Values> results;
  std::vector<std::string> problems;
  std::vector<bool> added_to;
  for (std::size_t draw = 0; draw < drawn_cases.size(); ++draw) {
    RunResult result = run_case(all.op(), candidate, drawn_cases[draw], progress);
    if (!result.supported) {
      verdicts.push_back(not_judged(drawn_cases[draw]));
      continue;
    }
    done.push_back(draw);
    results.push_back(std::move(result.outputs));
    problems.push_back(std::move(result.problem));
    added_to.push_back(result.added_to);
  }
  if (done.empty()) return verdicts;
  const DrawnProblem& against = all[number];
  const std::vector<Case> cases = picked(drawn_cases, done);
  std::vector<std::vector<Reference>> references = picked(against.references, done);
  const std::vector<std::vector<Values>> baselines = picked(against.baselines, done);
  std::vector<CaseVerdict> judged = judge(all.op(), {cases, results, problems, references, baselines});
  for (std::size_t i = 0; i < cases.size(); ++i) {
    judged[i].added_to = added_to[i];
    evidence.push_back({as_called(candidate, cases[i]), std::move(results[i]), std::move(references[i]),
                        judged[i].deviates});
    verdicts.push_back(std::move(judged[i]));
  }
  return verdicts;
}

/// The candidate with its output in the place of the input `name`, which it thus overwrites.
Candidate in_place(const Candidate& candidate, const std::string& name) {
  Candidate changed = candidate;
  changed.run = [run = candidate.run, name](const Call& call) {
    const MutableTensor& output = call.outputs.front();
    std::vector<ConstTensor> inputs(call.inputs.begin(), call.inputs.end());
    for (ConstTensor& input : inputs) {
      if (input.name != name) continue;
      const std::size_t width = static_cast<std::size_t>(input.columns()) * size_of(call.type);
      for (std::size_t r = 0; r < static_cast<std::size_t>(input.rows()); ++r) {
        std::memcpy(output.data + r * output.row_bytes(), input.data + r * input.row_bytes(), width);
      }
      input.data = output.data;
      input.row_stride = output.row_stride;
    }
    run({call.op, call.case_name, call.type, call.params, inputs, call.outputs});
  };
  return changed;
}

/// The same cases, to be computed in place.
std::vector<Case> in_place(std::vector<Case> cases, const std::string& name) {
  for (Case& problem : cases) {
    problem.in_place = name;
    problem.name += "-over-" + name;
    problem.description +=
        fmt::format(", {} written over {} (the same memory)", problem.outputs.front().name, name);
  }
  return cases;
}

/// The memory mistake that all failures show.
std::optional<MatchedMistake> match_memory_mistake(const Op& op, const std::vector<CaseVerdict>& verdicts) {
  const auto passed = [](const CaseVerdict& v) { return v.passed; };
  const auto added_to = [](const CaseVerdict& v) { return v.passed || v.added_to; };
  if (std::all_of(verdicts.begin(), verdicts.end(), passed) ||
      !std::all_of(verdicts.begin(), verdicts.end(), added_to)) {
    return std::nullopt;
  }
  MatchedMistake mistake = memory_mistakes().front();
  mistake.chapter = op.chapter;
  return mistake;
}

}  // namespace

const std::vector<MatchedMistake>& memory_mistakes() {
  static const std::vector<MatchedMistake> all = {
      {"output_added_to",
       "the result is added to what the output holds before the call, which may be anything; overwrite it"}};
  return all;
}

std::vector<CaseVerdict> check_probes(const Op& op, NumberType type, const Candidate& candidate) {
  std::vector<CaseVerdict> verdicts;
  Values outputs;
  for (const Probe& probe : op.probes(type))
    verdicts.push_back(check_probe(op, probe, candidate, nullptr, outputs));
  return verdicts;
}

Report check(const Op& op, NumberType type, const Candidate& candidate, std::uint64_t seed,
             Progress* progress) {
  return check(DrawnProblems(op, type, seed), candidate, progress);
}

Report check(const DrawnProblems& drawn, const Candidate& candidate, Progress* progress) {
  const Op& op = drawn.op();
  const NumberType type = drawn.type();
  if (std::find(candidate.types.begin(), candidate.types.end(), type) == candidate.types.end()) {
    throw Error(ErrorKind::usage, "{}: takes no {}; call it with one of its own types", candidate.name,
                name(type));
  }
  Report report{.op = op.name, .candidate = candidate.name, .type = type, .cases = {}, .matched = {}};
  std::vector<Evidence> evidence;
  for (const Probe& probe : op.probes(type)) {
    Values outputs;
    report.cases.push_back(check_probe(op, probe, candidate, progress, outputs));
    // A probe needs no oracle to be judged, and its bounds are no budget: only a failed one tells of a
    // mistake.
    if (!report.cases.back().deviates) continue;
    evidence.push_back(
        {as_called(candidate, probe.problem), std::move(outputs), op.reference(probe.problem), true});
  }
  bool any_drawn = false;
  const auto judge_all = [&](const Candidate& called, const std::string& over) {
    for (std::size_t p = 0; p < drawn.size(); ++p) {
      std::vector<Case> cases = drawn.cases(p);
      if (!over.empty()) cases = in_place(std::move(cases), over);
      for (CaseVerdict& verdict : check_problem(drawn, p, cases, called, progress, evidence)) {
        any_drawn = any_drawn || verdict.judged;
        report.cases.push_back(std::move(verdict));
      }
    }
  };
  judge_all(candidate, "");
  // In place, the output holds no NaN that would show it.
  report.matched = match_memory_mistake(op, report.cases);
  // And what is wrong with memory of its own may do anything there: then that alone is looked at.
  const bool right_apart = std::all_of(report.cases.begin(), report.cases.end(),
                                       [](const CaseVerdict& verdict) { return verdict.passed; });
  const std::size_t apart = evidence.size();
  if (candidate.in_place) {
    for (const std::string& input : op.in_place) judge_all(in_place(candidate, input), input);
  }
  if (!any_drawn) {
    throw Error(ErrorKind::bad_input,
                "{}: it does none of the {} problems of {} at {}: there is nothing to judge", candidate.name,
                op.problems.size(), op.name, name(type));
  }
  for (const CaseVerdict& verdict : report.cases) {
    report.passed = report.passed && verdict.passed;
    report.percent = std::max(report.percent, verdict.percent);
  }
  if (!report.passed) {
    const std::span<const Evidence> all = evidence;
    if (!report.matched) report.matched = match_mistake(op, right_apart ? all : all.first(apart));
  }
  return report;
}

}  // namespace rung::check

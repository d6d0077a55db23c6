#pragma once

#include <algorithm>
#include <cstddef>
#include <exception>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/check/progress.h"
#include "core/check/report.h"

// Functions that work on no arrays of rounded numbers: what a tokenizer merges, which tokens a sampler keeps, where
// a sequence's keys are. Their results are right or wrong, so they need no error budget; like ops they have an
// oracle, cases and known mistakes. `./rung check bpe` judges the chapters' own, and exercises are graded by it.

namespace rung::check {

/// How a candidate did on one case.
struct FunctionVerdict {
  std::string case_name;
  std::string description;  ///< the input, in words
  bool passed = true;
  std::string message = {};  ///< what was expected and what was found, one line; empty when it passed
};

/// How a candidate did on all cases of a function.
struct FunctionReport {
  std::string function;
  std::string candidate;
  bool passed = true;
  std::vector<FunctionVerdict> cases = {};
  std::optional<MatchedMistake> matched = std::nullopt;
};

/// One line; for a failure also the first case that failed and the matched mistake. `all_cases` adds a line per case.
std::string to_text(const FunctionReport& report, bool all_cases = false);
/// The same as a JSON object.
std::string to_json(const FunctionReport& report);

/// A wrong variant that people really write.
template <typename Input, typename Output>
struct FunctionMistake {
  using Run = std::function<Output(const Input&)>;  ///< the function, done wrongly
  /// Its members, in their order. A constructor, because GCC 12 breaks down over lists of aggregates with such a default
  /// (internal compiler error).
  FunctionMistake(std::string called, std::string told, Run wrong, std::vector<Run> others = {})
      : name(std::move(called)), sentence(std::move(told)), run(std::move(wrong)), also(std::move(others)) {}

  std::string name;      ///< "penalty_divides_negative"
  std::string sentence;  ///< "a negative logit divided by the penalty, which makes it likelier; multiply it"
  Run run;
  std::vector<Run> also;  ///< the same mistake as others write it, with other results; may be empty
};

/// One input that the function is judged on.
template <typename Input>
struct FunctionCase {
  std::string name;         ///< "ties"
  std::string description;  ///< "three pairs of the same rank"
  Input input;
};

/// Everything that is known about a function.
template <typename Input, typename Output>
struct FunctionCheck {
  std::string name;                        ///< "bpe"
  int chapter = 0;                         ///< that teaches it
  std::string what;                        ///< one line
  std::vector<FunctionCase<Input>> cases;  ///< from small to large: the first that fails is shown
  std::function<Output(const Input&)> oracle;
  std::vector<FunctionMistake<Input, Output>> mistakes;
  std::function<bool(const Output& found, const Output& expected)> same = std::equal_to<Output>();
  std::function<std::string(const Output&)> show;  ///< an output for people, one line
  /// Where a wrong output differs, one line, if both are too long to be shown; else empty. May be absent.
  std::function<std::string(const Output& found, const Output& expected)> difference;
  /// The same where only the input tells what stands in which place of the output. May be absent.
  std::function<std::string(const Input& input, const Output& found, const Output& expected)> difference_in;
};

/// A function check together with the candidate that it judges, whatever their types are.
struct JudgedFunction {
  std::string name;
  int chapter = 0;
  std::string what;
  std::vector<std::pair<std::string, std::string>> mistakes;  ///< name and sentence
  std::function<FunctionReport(Progress*)> judge;             ///< who hears of the cases; may be null
  std::function<FunctionReport(std::size_t)> judge_mistake;   ///< a known mistake in the candidate's place
  /// Each of the other ways to make that mistake in the candidate's place.
  std::function<std::vector<FunctionReport>(std::size_t)> judge_also;
};

/// Judges a candidate. What it throws fails the case. A candidate that fails is compared with the known mistakes: one
/// that gives its result on every case is named.
template <typename Input, typename Output>
FunctionReport judge_function(const FunctionCheck<Input, Output>& check, const std::string& candidate,
                              const std::function<Output(const Input&)>& run, Progress* progress = nullptr) {
  FunctionReport report{.function = check.name, .candidate = candidate};
  std::vector<std::optional<Output>> found;
  for (const FunctionCase<Input>& one : check.cases) {
    FunctionVerdict verdict{.case_name = one.name, .description = one.description};
    found.emplace_back();
    try {
      const Output expected = check.oracle(one.input);
      try {
        {
          const RunningCase running(progress, one.name, one.description);
          found.back() = run(one.input);
        }
        verdict.passed = check.same(*found.back(), expected);
        if (!verdict.passed && check.difference) verdict.message = check.difference(*found.back(), expected);
        if (!verdict.passed && verdict.message.empty() && check.difference_in)
          verdict.message = check.difference_in(one.input, *found.back(), expected);
        if (!verdict.passed && verdict.message.empty())
          verdict.message = "expected " + check.show(expected) + ", found " + check.show(*found.back());
      } catch (const std::exception& error) {
        verdict.passed = false;
        verdict.message = error.what();
      }
    } catch (const std::exception& error) {
      verdict.passed = false;
      verdict.message = std::string("the oracle itself failed: ") + error.what();
    }
    report.passed = report.passed && verdict.passed;
    report.cases.push_back(std::move(verdict));
  }
  if (report.passed) return report;
  const auto explains = [&](const std::function<Output(const Input&)>& wrong) {
    for (std::size_t i = 0; i < found.size(); ++i) {
      try {
        if (!found[i] || !check.same(*found[i], wrong(check.cases[i].input))) return false;
      } catch (const std::exception&) {
        return false;
      }
    }
    return true;
  };
  for (const FunctionMistake<Input, Output>& mistake : check.mistakes) {
    if (!explains(mistake.run) && !std::ranges::any_of(mistake.also, explains)) continue;
    report.matched = MatchedMistake{mistake.name, mistake.sentence, check.chapter};
    break;
  }
  return report;
}

/// Puts a check and the candidate `run` together; `candidate` names it in reports.
template <typename Input, typename Output>
JudgedFunction judged(FunctionCheck<Input, Output> check, std::string candidate,
                      std::function<Output(const Input&)> run) {
  JudgedFunction result;
  result.name = check.name;
  result.chapter = check.chapter;
  result.what = check.what;
  for (const auto& mistake : check.mistakes) result.mistakes.emplace_back(mistake.name, mistake.sentence);
  result.judge_mistake = [check](std::size_t i) {
    return judge_function(check, check.mistakes.at(i).name, check.mistakes.at(i).run);
  };
  result.judge_also = [check](std::size_t i) {
    std::vector<FunctionReport> reports;
    for (const auto& another : check.mistakes.at(i).also)
      reports.push_back(judge_function(check, check.mistakes.at(i).name, another));
    return reports;
  };
  result.judge = [check = std::move(check), candidate = std::move(candidate), run = std::move(run)](
                     Progress* progress) { return judge_function(check, candidate, run, progress); };
  return result;
}

}  // namespace rung::check

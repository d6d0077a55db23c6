#include "core/check/report.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace rung::check {
namespace {

/// Whole percents; "all of" what there is when the share is infinite would say too little.
std::string percent_text(double percent) {
  if (!std::isfinite(percent)) return "no budget covers it";
  if (percent >= 1e6) return fmt::format("{:.0e} times its budget", percent / 100);
  return fmt::format("{:.0f} % of its budget", percent);
}

/// "judged on 120 of 363 cases; …" or nothing when all were.
std::string not_judged_text(const Report& report) {
  const std::vector<std::string> problems = report.not_supported();
  if (problems.empty()) return {};
  constexpr std::size_t most_named = 4;
  const std::size_t named = std::min(problems.size(), most_named);
  std::string text =
      fmt::format("           JUDGED ON {} OF {} CASES ONLY; it does not do the others, {} problems: {}",
                  report.judged_cases(), report.cases.size(), problems.size(),
                  fmt::join(problems.begin(), problems.begin() + static_cast<std::ptrdiff_t>(named), "; "));
  return text + (named < problems.size() ? "; …\n" : "\n");
}

std::string case_text(const CaseVerdict& verdict) {
  return fmt::format("{} ({}, seed {})", verdict.case_name, verdict.description, verdict.seed);
}

}  // namespace

std::string_view name(Rule rule) {
  switch (rule) {
    case Rule::integrity:
      return "integrity";
    case Rule::structure:
      return "structure";
    case Rule::element:
      return "element";
    case Rule::rms:
      return "rms";
    case Rule::row:
      return "row";
  }
  return "?";
}

int Report::failed_cases() const {
  return static_cast<int>(
      std::count_if(cases.begin(), cases.end(), [](const CaseVerdict& verdict) { return !verdict.passed; }));
}

int Report::judged_cases() const {
  return static_cast<int>(
      std::count_if(cases.begin(), cases.end(), [](const CaseVerdict& verdict) { return verdict.judged; }));
}

std::vector<std::string> Report::not_supported() const {
  std::vector<std::string> problems;
  for (const CaseVerdict& verdict : cases) {
    if (verdict.judged) continue;
    if (std::find(problems.begin(), problems.end(), verdict.description) == problems.end())
      problems.push_back(verdict.description);
  }
  return problems;
}

const CaseVerdict* Report::worst() const {
  const auto rank = [](const CaseVerdict& verdict) {
    if (verdict.passed) return 0;
    return verdict.failed == Rule::integrity || verdict.failed == Rule::structure ? 2 : 1;
  };
  const auto found =
      std::max_element(cases.begin(), cases.end(), [&](const CaseVerdict& a, const CaseVerdict& b) {
        return rank(a) != rank(b) ? rank(a) < rank(b) : a.percent < b.percent;
      });
  return found == cases.end() ? nullptr : &*found;
}

NumberPair tell_apart(double first, double second) {
  for (const int digits : {6, 9}) {
    NumberPair pair{fmt::format("{:.{}g}", first, digits), fmt::format("{:.{}g}", second, digits)};
    if (pair.first != pair.second) return pair;
  }
  return {fmt::format("{:.17g}", first), fmt::format("{:.17g}", second)};
}

std::string to_text(const Report& report, bool all_cases) {
  const std::string head = fmt::format("{:<10} {:<4}  {}", report.op, name(report.type), report.candidate);
  std::string text;
  const CaseVerdict* worst = report.worst();
  if (report.passed) {
    text = fmt::format("{}   ok     {:.0f} % of the budget used at most, {} cases\n", head, report.percent,
                       report.judged_cases());
  } else {
    text = head + "   FAIL";
    if (worst->failed == Rule::rms || worst->failed == Rule::row) {
      text += fmt::format("   the error of {} is {}", worst->failed == Rule::row ? "a row" : "the whole",
                          percent_text(worst->percent));
    } else if (worst->worst) {
      const auto [got, want] = tell_apart(worst->worst->got, worst->worst->want);
      text += fmt::format("   worst {}: got {}, want {}, {}", worst->worst->where, got, want,
                          percent_text(worst->worst->percent));
    }
    text +=
        fmt::format("\n           {} of {} cases failed; {} in {}\n           {}\n", report.failed_cases(),
                    report.judged_cases(), name(*worst->failed), case_text(*worst), worst->message);
    if (report.matched) {
      text += fmt::format("           it matches a known mistake: \"{}\"   (chapter {})\n",
                          report.matched->sentence, report.matched->chapter);
    }
  }
  text += not_judged_text(report);
  if (!all_cases) return text;
  for (const CaseVerdict& verdict : report.cases) {
    if (!verdict.judged) {
      text += fmt::format("  ----  {}  not supported\n", case_text(verdict));
      continue;
    }
    text += fmt::format("  {}  {}", verdict.passed ? "ok  " : "FAIL", case_text(verdict));
    text += std::isfinite(verdict.percent) ? fmt::format("  {:.0f} %\n", verdict.percent) : std::string("\n");
    if (!verdict.passed) text += fmt::format("        {}: {}\n", name(*verdict.failed), verdict.message);
  }
  return text;
}

}  // namespace rung::check

#include "core/check/budget.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include <fmt/format.h>

#include "core/check/index.h"
#include "core/error.h"

namespace rung::check {
namespace {

constexpr double rms_factor = 1.5;
constexpr double row_factor = 3;

/// How much of `bound` an `error` uses, in percent. Not a number counts as infinitely much.
double share(double error, double bound) {
  if (error == 0) return 0;
  const double percent = 100 * error / bound;
  return percent <= std::numeric_limits<double>::max() ? percent : std::numeric_limits<double>::infinity();
}

/// |got − want|, 0 when both are the same infinity or both NaN, infinity when only one is finite.
double difference(double got, double want) {
  if (std::isfinite(got) && std::isfinite(want)) return std::abs(got - want);
  if (std::isnan(got) && std::isnan(want)) return 0;
  return got == want ? 0 : std::numeric_limits<double>::infinity();
}

void fail(CaseVerdict& verdict, Rule rule, std::string message) {
  if (!verdict.passed) return;
  verdict.passed = false;
  verdict.failed = rule;
  verdict.message = std::move(message);
}

/// Every element of one case against its bound.
/// @return whether every number is finite that should be
bool judge_elements(const Op& op, const Case& problem, const Values& results,
                    const std::vector<Reference>& references, CaseVerdict& verdict) {
  bool finite = true;
  double worst_percent = -1;
  std::size_t worst_output = 0;
  std::size_t worst_element = 0;
  for (std::size_t o = 0; o < results.size(); ++o) {
    std::int64_t outside = 0;
    for (std::size_t i = 0; i < results[o].size(); ++i) {
      const double got = results[o][i];
      const double want = references[o].value[i];
      const double error = difference(got, want);
      const double bound = std::isfinite(want) ? element_bound(problem.type, references[o], i) : 0;
      const double percent = share(error, bound);
      if (percent > worst_percent) {
        worst_percent = percent;
        worst_output = o;
        worst_element = i;
      }
      if (!(error <= bound)) ++outside;
      if (!std::isfinite(got) && error != 0) {
        verdict.deviates = true;
        finite = false;
        fail(verdict, Rule::integrity,
             fmt::format("{} is {}, expected {:.6g}", locate(op, problem, o, i), got, want));
      }
    }
    if (outside > 0) {
      verdict.deviates = true;
      fail(verdict, Rule::element,
           fmt::format("{} of {} numbers of {} are outside their bound", outside, results[o].size(),
                       problem.outputs[o].name));
    }
  }
  verdict.percent = worst_percent;
  verdict.worst = WorstElement{.output = problem.outputs[worst_output].name,
                               .index = index_of(problem.outputs[worst_output].shape, worst_element),
                               .where = locate(op, problem, worst_output, worst_element),
                               .got = results[worst_output][worst_element],
                               .want = references[worst_output].value[worst_element],
                               .percent = worst_percent};
  return finite;
}

/// Sums of squared errors of the rows of one output, over all draws and all runs of each.
struct RowErrors {
  std::vector<double> squares;
  std::int64_t count = 0;  ///< numbers in each
};

/// @param runs  a draw's number → the runs' values, at least one
template <typename Runs>
RowErrors row_errors(const Group& group, std::size_t output, const Runs& runs) {
  const Shape& shape = group.cases.front().outputs[output].shape;
  const std::int64_t columns = shape.back();
  RowErrors rows;
  rows.squares.assign(static_cast<std::size_t>(elements(shape) / columns), 0);
  for (std::size_t draw = 0; draw < group.cases.size(); ++draw) {
    for (const Values& run : runs(draw)) {
      const double* got = run[output].data();
      const double* want = group.references[draw][output].value.data();
      for (double& squares : rows.squares) {
        for (std::int64_t c = 0; c < columns; ++c, ++got, ++want) {
          if (std::isfinite(*want)) squares += (*got - *want) * (*got - *want);
        }
      }
      rows.count += columns;
    }
  }
  return rows;
}

double median(std::vector<double> numbers) {
  const auto middle = numbers.begin() + static_cast<std::ptrdiff_t>(numbers.size() / 2);
  std::nth_element(numbers.begin(), middle, numbers.end());
  return *middle;
}

double total(const std::vector<double>& numbers) {
  double sum = 0;
  for (const double n : numbers) sum += n;
  return sum;
}

/// The rms and row rules for one output of the whole group.
/// @return whether both are kept
bool judge_together(const Group& group, std::size_t output, CaseVerdict& verdict) {
  const RowErrors mine =
      row_errors(group, output, [&](std::size_t draw) { return std::span(&group.results[draw], 1); });
  const RowErrors baseline =
      row_errors(group, output, [&](std::size_t draw) { return std::span(group.baselines[draw]); });
  const auto mean = [](const RowErrors& rows) {
    return total(rows.squares) / (static_cast<double>(rows.count) * static_cast<double>(rows.squares.size()));
  };
  const std::string draws =
      group.cases.size() > 1 ? fmt::format(" over {} draws", group.cases.size()) : std::string();

  bool kept = true;
  const double expected = std::sqrt(mean(baseline));
  if (expected > 0) {
    const double found = std::sqrt(mean(mine));
    verdict.percent = std::max(verdict.percent, share(found, rms_factor * expected));
    if (!(found <= rms_factor * expected)) {
      kept = false;
      fail(verdict, Rule::rms,
           fmt::format("rms error{} is {:.3g}, {:.2f} times the plain loop's {:.3g}; {} is allowed", draws,
                       found, found / expected, expected, rms_factor));
    }
  }

  const double typical = median(baseline.squares);
  for (std::size_t r = 0; r < mine.squares.size(); ++r) {
    const double allowed =
        row_factor * std::sqrt(std::max(baseline.squares[r], typical) / static_cast<double>(baseline.count));
    if (allowed == 0) continue;
    const double found = std::sqrt(mine.squares[r] / static_cast<double>(mine.count));
    verdict.percent = std::max(verdict.percent, share(found, allowed));
    if (!(found <= allowed)) {
      kept = false;
      const auto [is, may_be] = tell_apart(found, allowed);
      fail(verdict, Rule::row,
           fmt::format("rms error of row {}{} is {}; {} is allowed, 3 times the plain loop's", r, draws, is,
                       may_be));
    }
  }
  return kept;
}

void require_nonzero(const Group& group) {
  for (const std::vector<Reference>& references : group.references) {
    for (const Reference& reference : references) {
      if (std::any_of(reference.value.begin(), reference.value.end(), [](double r) { return r != 0; }))
        return;
    }
  }
  throw Error(ErrorKind::bad_input,
              "case {}: the oracle's result is zero everywhere, nothing can be judged by it",
              group.cases.front().name);
}

}  // namespace

double element_bound(NumberType type, const Reference& reference, std::size_t i) {
  const double last = std::max(unit_roundoff(type) * std::abs(reference.value[i]), underflow(type));
  return 2 * (last + 4 * accumulator_roundoff * reference.accumulated[i] + reference.intermediate[i]);
}

std::vector<Values> baseline_runs(const Op& op, const Case& problem) {
  constexpr int drawn_orders = 8;
  std::vector<Values> all = {op.baseline(problem)};
  if (!op.shuffled_baseline) return all;
  Random random(problem.seed);
  for (int i = 0; i < drawn_orders; ++i) all.push_back(op.shuffled_baseline(problem, random));
  return all;
}

std::vector<CaseVerdict> judge(const Op& op, const Group& group) {
  require_nonzero(group);
  std::vector<CaseVerdict> verdicts;
  bool complete = true;
  for (std::size_t draw = 0; draw < group.cases.size(); ++draw) {
    const Case& problem = group.cases[draw];
    CaseVerdict& verdict = verdicts.emplace_back();
    verdict.case_name = problem.name;
    verdict.description = problem.description;
    verdict.seed = problem.seed;
    if (!group.problems[draw].empty()) fail(verdict, Rule::integrity, group.problems[draw]);
    if (group.results[draw].empty()) {  // the candidate threw
      verdict.percent = std::numeric_limits<double>::infinity();
      complete = false;
      continue;
    }
    complete = judge_elements(op, problem, group.results[draw], group.references[draw], verdict) && complete;
  }
  if (!complete) return verdicts;  // a sum over what is missing or not a number says nothing
  const auto first =
      std::find_if(verdicts.begin(), verdicts.end(), [](const CaseVerdict& v) { return v.passed; });
  CaseVerdict& speaker = first == verdicts.end() ? verdicts.front() : *first;
  for (std::size_t o = 0; o < group.cases.front().outputs.size(); ++o) {
    if (judge_together(group, o, speaker)) continue;
    for (CaseVerdict& verdict : verdicts) verdict.deviates = true;
  }
  return verdicts;
}

}  // namespace rung::check

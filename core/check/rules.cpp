#include "core/check/rules.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "core/check/budget.h"
#include "core/check/check.h"
#include "core/check/drawn_problems.h"

namespace rung::check {
namespace {

/// o − r; 0 for infinity where infinity is wanted.
double deviation(double result, double wanted) {
  return result == wanted ? 0 : result - wanted;
}

/// Whether |o − r| <= absolute + relative·|r| everywhere; not a number is never close.
bool allclose(const std::vector<double>& results, const std::vector<double>& wanted, double absolute,
              double relative) {
  for (std::size_t i = 0; i < results.size(); ++i) {
    if (!(std::abs(deviation(results[i], wanted[i])) <= absolute + relative * std::abs(wanted[i])))
      return false;
  }
  return true;
}

double rms_error(const std::vector<double>& results, const std::vector<double>& wanted) {
  double sum = 0;
  for (std::size_t i = 0; i < results.size(); ++i) sum += std::pow(deviation(results[i], wanted[i]), 2);
  return std::sqrt(sum / static_cast<double>(results.size()));
}

double largest_error(const std::vector<double>& results, const std::vector<double>& wanted) {
  double largest = 0;
  for (std::size_t i = 0; i < results.size(); ++i) {
    const double error = std::abs(deviation(results[i], wanted[i]));
    if (!(error <= largest)) largest = error;  // so that not a number stays
  }
  return largest;
}

bool ggml(const Case& /*problem*/, const std::vector<double>& results, const std::vector<double>& wanted,
          const std::vector<double>& /*baselines*/) {
  double error = 0;
  double norm = 0;
  for (std::size_t i = 0; i < results.size(); ++i) {
    error += std::pow(deviation(results[i], wanted[i]), 2);
    if (std::isfinite(wanted[i])) norm += wanted[i] * wanted[i];
  }
  return error <= 5e-4 * norm;
}

bool pytorch(const Case& problem, const std::vector<double>& results, const std::vector<double>& wanted,
             const std::vector<double>& /*baselines*/) {
  switch (problem.type) {
    case NumberType::f32:
      return allclose(results, wanted, 1e-5, 1.3e-6);
    case NumberType::f16:
      return allclose(results, wanted, 1e-5, 1e-3);
    case NumberType::bf16:
      return allclose(results, wanted, 1e-5, 1.6e-2);
  }
  return false;
}

bool dynamo(const Case& problem, const std::vector<double>& results, const std::vector<double>& wanted,
            const std::vector<double>& baselines) {
  constexpr double tolerance = 1e-4;
  if (allclose(results, baselines, tolerance, tolerance)) return true;
  const double factor = problem.type != NumberType::f32 || results.size() < 1000 ? 3 : 2;
  return rms_error(results, wanted) <= factor * rms_error(baselines, wanted) + tolerance / 10;
}

/// What all rules say of one candidate.
struct Verdicts {
  std::vector<bool> rejected_normal;  ///< by each published rule, then the standard
  std::vector<bool> rejected;
};

Verdicts try_candidate(const DrawnProblems& all, const std::function<Values(const Case&)>& run) {
  const Op& op = all.op();
  const auto& published = published_rules();
  const std::size_t standard = published.size();
  Verdicts verdicts{std::vector<bool>(standard + 1, false), std::vector<bool>(standard + 1, false)};
  const auto reject = [&](std::size_t rule, bool normal) {
    verdicts.rejected[rule] = true;
    if (normal) verdicts.rejected_normal[rule] = true;
  };
  for (std::size_t p = 0; p < all.size(); ++p) {
    const DrawnProblem& drawn = all[p];
    const bool normal = op.problems[p].normal;
    std::vector<Values> results;
    for (std::size_t c = 0; c < drawn.cases.size(); ++c) {
      results.push_back(run(drawn.cases[c]));
      for (std::size_t rule = 0; rule < standard; ++rule) {
        if (!published[rule].accepts(drawn.cases[c], results[c][0], drawn.references[c][0].value,
                                     drawn.baselines[c][0][0])) {
          reject(rule, normal);
        }
      }
    }
    const std::vector<std::string> intact(drawn.cases.size());
    for (const CaseVerdict& verdict :
         judge(op, {drawn.cases, results, intact, drawn.references, drawn.baselines})) {
      if (!verdict.passed) reject(standard, normal);
    }
  }
  Candidate candidate = from_values("", op.name, run);
  for (const CaseVerdict& verdict : check_probes(op, all.type(), candidate)) {
    if (!verdict.passed) reject(standard, false);
  }
  if (!op.in_place.empty() && !verdicts.rejected[standard]) {  // some mistakes show there alone
    candidate.in_place = true;
    if (!check(all, candidate).passed) reject(standard, false);
  }
  return verdicts;
}

}  // namespace

bool allclose_1e2(const std::vector<double>& results, const std::vector<double>& wanted) {
  return allclose(results, wanted, 1e-2, 1e-2);
}

const std::vector<AcceptanceRule>& published_rules() {
  static const std::vector<AcceptanceRule> rules = {
      {"normalised mean square error <= 5e-4", "ggml, test-backend-ops", ggml},
      {"absolute error <= 0.01", "SGEMM_CUDA",
       [](const Case&, const auto& results, const auto& wanted, const auto&) {
         return allclose(results, wanted, 1e-2, 0);
       }},
      {"1e-2 relative + absolute", "KernelBench, half precision",
       [](const Case&, const auto& results, const auto& wanted, const auto&) {
         return allclose_1e2(results, wanted);
       }},
      {"PyTorch's defaults for the type", "torch.testing.assert_close", pytorch},
      {"rms <= 2-3 times the eager baseline's", "PyTorch Dynamo, same()", dynamo},
      {"max abs <= 2 times the baseline's", "FlashAttention's tests",
       [](const Case&, const auto& results, const auto& wanted, const auto& baselines) {
         return largest_error(results, wanted) <= 2 * largest_error(baselines, wanted);
       }},
  };
  return rules;
}

RulesTable rules_table(NumberType type, std::uint64_t seed) {
  RulesTable table{.type = type, .scores = {}};
  for (const AcceptanceRule& rule : published_rules()) {
    table.scores.push_back({.rule = fmt::format("{} ({})", rule.name, rule.source)});
  }
  table.scores.push_back({.rule = "the standard"});

  for (const Op& op : ops()) {
    const DrawnProblems all(op, type, seed);
    std::vector<const Mistake*> claimed;
    for (const Mistake& mistake : op.mistakes) {
      const auto& types = mistake.types;
      if (std::find(types.begin(), types.end(), type) != types.end()) claimed.push_back(&mistake);
    }
    std::vector<Verdicts> wrong(claimed.size());
    std::vector<Verdicts> right(op.reorderings.size());
#pragma omp parallel for schedule(dynamic)
    for (std::size_t m = 0; m < claimed.size(); ++m) wrong[m] = try_candidate(all, claimed[m]->kernel);
#pragma omp parallel for schedule(dynamic)
    for (std::size_t r = 0; r < right.size(); ++r) right[r] = try_candidate(all, op.reorderings[r].run);

    table.mistakes += static_cast<int>(wrong.size());
    table.correct += static_cast<int>(right.size());
    for (std::size_t rule = 0; rule < table.scores.size(); ++rule) {
      for (const Verdicts& verdicts : wrong) {
        table.scores[rule].caught_normal += verdicts.rejected_normal[rule] ? 1 : 0;
        table.scores[rule].caught += verdicts.rejected[rule] ? 1 : 0;
      }
      for (const Verdicts& verdicts : right)
        table.scores[rule].failed_correct += verdicts.rejected[rule] ? 1 : 0;
    }
  }
  return table;
}

std::string to_text(std::span<const RulesTable> tables) {
  std::string text;
  for (const RulesTable& table : tables) {
    text += fmt::format("{}: {} known mistakes, {} right reorderings of six ops\n", name(table.type),
                        table.mistakes, table.correct);
    text += fmt::format("  {:<66} {:>14} {:>14} {:>14}\n", "rule", "caught, N(0,1)", "caught, all",
                        "right failed");
    for (const RuleScore& score : table.scores) {
      text += fmt::format("  {:<66} {:>14} {:>14} {:>14}\n", score.rule, score.caught_normal, score.caught,
                          score.failed_correct);
    }
    text += "\n";
  }
  text +=
      "caught, N(0,1): on the cases with standard normal inputs alone; caught, all: on every case of the\n"
      "harness (for the standard, with its structural probes and with outputs in an input's place). The\n"
      "mistakes and the standard come from the same hand: this ranks the rules, it proves none.\n";
  return text;
}

}  // namespace rung::check

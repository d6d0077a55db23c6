#include <cmath>

#include <nlohmann/json.hpp>

#include "core/check/report.h"
#include "core/check/rules.h"

namespace rung::check {
namespace {

using nlohmann::ordered_json;

/// JSON has no infinity and no NaN: they become strings.
ordered_json number(double value) {
  if (std::isfinite(value)) return value;
  if (std::isnan(value)) return "nan";
  return value > 0 ? "inf" : "-inf";
}

ordered_json to_object(const CaseVerdict& verdict) {
  ordered_json object = {{"case", verdict.case_name}, {"description", verdict.description},
                         {"seed", verdict.seed},      {"supported", verdict.judged},
                         {"passed", verdict.passed},  {"percent_of_budget", number(verdict.percent)}};
  if (verdict.failed) {
    object["failed_rule"] = name(*verdict.failed);
    object["message"] = verdict.message;
  }
  if (verdict.worst) {
    object["worst"] = {{"output", verdict.worst->output},
                       {"index", verdict.worst->index},
                       {"got", number(verdict.worst->got)},
                       {"want", number(verdict.worst->want)},
                       {"percent_of_budget", number(verdict.worst->percent)}};
  }
  return object;
}

}  // namespace

std::string to_json(const Report& report) {
  ordered_json object = {{"op", report.op},
                         {"type", name(report.type)},
                         {"candidate", report.candidate},
                         {"passed", report.passed},
                         {"percent_of_budget", number(report.percent)},
                         {"judged_cases", report.judged_cases()},
                         {"failed_cases", report.failed_cases()},
                         {"not_supported", report.not_supported()}};
  if (report.matched) {
    object["known_mistake"] = {{"name", report.matched->name},
                               {"sentence", report.matched->sentence},
                               {"chapter", report.matched->chapter}};
  }
  object["cases"] = ordered_json::array();
  for (const CaseVerdict& verdict : report.cases) object["cases"].push_back(to_object(verdict));
  return object.dump(2, ' ', false, ordered_json::error_handler_t::replace);
}

std::string to_json(std::span<const RulesTable> tables) {
  ordered_json all = ordered_json::array();
  for (const RulesTable& table : tables) {
    ordered_json scores = ordered_json::array();
    for (const RuleScore& score : table.scores) {
      scores.push_back({{"rule", score.rule},
                        {"caught_normal_inputs", score.caught_normal},
                        {"caught", score.caught},
                        {"correct_failed", score.failed_correct}});
    }
    all.push_back({{"type", name(table.type)},
                   {"mistakes", table.mistakes},
                   {"correct", table.correct},
                   {"rules", std::move(scores)}});
  }
  return all.dump(2);
}

}  // namespace rung::check

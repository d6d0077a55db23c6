#include <algorithm>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "core/check/function_check.h"

namespace rung::check {

std::string to_text(const FunctionReport& report, bool all_cases) {
  std::string text = fmt::format("{:<16} {}   ", report.function, report.candidate);
  if (report.passed) {
    text += fmt::format("ok     {} cases\n", report.cases.size());
  } else {
    const auto failed = std::ranges::count(report.cases, false, &FunctionVerdict::passed);
    const auto first = std::ranges::find(report.cases, false, &FunctionVerdict::passed);
    text += fmt::format("FAIL\n           {} of {} cases failed; first {} ({})\n           {}\n", failed,
                        report.cases.size(), first->case_name, first->description, first->message);
    if (report.matched) {
      text += fmt::format("           it matches a known mistake: \"{}\"   (chapter {})\n",
                          report.matched->sentence, report.matched->chapter);
    }
  }
  if (!all_cases) return text;
  for (const FunctionVerdict& verdict : report.cases) {
    text += fmt::format("  {}  {} ({})\n", verdict.passed ? "ok  " : "FAIL", verdict.case_name,
                        verdict.description);
    if (!verdict.passed) text += fmt::format("        {}\n", verdict.message);
  }
  return text;
}

std::string to_json(const FunctionReport& report) {
  nlohmann::ordered_json object = {
      {"function", report.function}, {"candidate", report.candidate}, {"passed", report.passed}};
  if (report.matched) {
    object["known_mistake"] = {{"name", report.matched->name},
                               {"sentence", report.matched->sentence},
                               {"chapter", report.matched->chapter}};
  }
  object["cases"] = nlohmann::ordered_json::array();
  for (const FunctionVerdict& verdict : report.cases) {
    object["cases"].push_back({{"case", verdict.case_name},
                               {"description", verdict.description},
                               {"passed", verdict.passed},
                               {"message", verdict.message}});
  }
  return object.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
}

}  // namespace rung::check

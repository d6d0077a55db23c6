#include <cmath>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "core/check/whole_model.h"

namespace rung::check {
namespace {

/// JSON has no infinity; null stands for it.
nlohmann::json number(double value) {
  return std::isfinite(value) ? nlohmann::json(value) : nlohmann::json(nullptr);
}

}  // namespace

std::string to_text(const StageReport& report) {
  std::string text =
      fmt::format("{}   {}   {}   {}: {} of the error budget ({:.2g} to {:.2g} a logit)\n", report.stage,
                  report.passed ? "pass" : "FAIL", report.model.filename().string(),
                  report.kv_type == KvType::f32
                      ? std::string(name(report.type))
                      : fmt::format("{}, keys and values {}", name(report.type), rung::name(report.kv_type)),
                  share_text(report.percent), report.budget, report.budget_most);
  for (const StageVerdict& verdict : report.verdicts) {
    text += fmt::format("  {:<14} {}  {:>8}  {}\n", verdict.name, verdict.passed ? "pass" : "FAIL",
                        verdict.percent > 0 ? share_text(verdict.percent) : "", verdict.what);
    if (!verdict.message.empty()) text += fmt::format("                 {}\n", verdict.message);
  }
  if (report.unsure > 0) {
    text += fmt::format(
        "  at {} positions a router's choice hangs on rounding; the budget has room for another one\n",
        report.unsure);
  }
  if (report.first_outside) {
    text += fmt::format("  the first trace point that leaves its budget is {}: off by {:.3g}, {} of it\n",
                        report.first_outside->name, report.first_outside->deviation,
                        share_text(report.first_outside->percent()));
  }
  if (report.matched) {
    text += fmt::format("  it matches a known mistake: \"{}\"   (chapter {})\n", report.matched->sentence,
                        report.matched->chapter);
  }
  if (report.quantization) {
    const QuantizationReport& found = *report.quantization;
    const auto line = [&](const char* what, const LogitShift& shift) {
      return fmt::format(
          "  reported, not judged: {} move the logits by {:.2g} rms ({:.2g} %), {:.2g} at most\n", what,
          shift.rms, 100 * shift.rms / found.logits_rms, shift.most);
    };
    if (found.weights) text += line("weights as blocks", *found.weights);
    if (found.activations) text += line("activations as int8", *found.activations);
  }
  return text;
}

std::string to_json(const StageReport& report) {
  nlohmann::ordered_json out;
  out["stage"] = report.stage;
  out["model"] = report.model.string();
  out["type"] = name(report.type);
  out["kv_type"] = rung::name(report.kv_type);
  out["passed"] = report.passed;
  out["percent"] = number(report.percent);
  out["budget"] = {{"least", report.budget}, {"most", report.budget_most}};
  out["unsure_routing"] = report.unsure;
  out["checks"] = nlohmann::ordered_json::array();
  for (const StageVerdict& verdict : report.verdicts) {
    out["checks"].push_back({{"name", verdict.name},
                             {"what", verdict.what},
                             {"passed", verdict.passed},
                             {"percent", number(verdict.percent)},
                             {"message", verdict.message}});
  }
  if (report.first_outside) {
    out["first_outside"] = {{"point", report.first_outside->name},
                            {"deviation", number(report.first_outside->deviation)},
                            {"budget", report.first_outside->budget},
                            {"percent", number(report.first_outside->percent())}};
  }
  if (report.matched) {
    out["known_mistake"] = {{"name", report.matched->name},
                            {"sentence", report.matched->sentence},
                            {"chapter", report.matched->chapter}};
  }
  if (report.quantization) {
    nlohmann::ordered_json& out_of = out["quantization"];
    out_of["logits_rms"] = report.quantization->logits_rms;
    const auto put = [&](const char* what, const std::optional<LogitShift>& shift) {
      if (shift) out_of[what] = {{"rms", shift->rms}, {"most", shift->most}};
    };
    put("weights", report.quantization->weights);
    put("activations", report.quantization->activations);
  }
  // A path may hold bytes that are no UTF-8, which JSON cannot.
  return out.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
}

}  // namespace rung::check

#include "cuda/report/ladder_report.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace rung::cuda {
namespace {

std::string nanoseconds(double seconds) {
  return fmt::format("{:.0f} ns", seconds * 1e9);
}

/// "4.0 (4.0)": what a request takes and the least it could; "-" where there is no request.
std::string per_request(const simt::RequestCounts& counts) {
  if (counts.requests == 0) return "-";
  return fmt::format("{:.1f} ({:.1f})", counts.units_per_request(), counts.ideal_per_request());
}

std::string over_ideal(const simt::RequestCounts& counts) {
  return counts.requests == 0 ? "-" : fmt::format("{:.2f}", counts.units_over_ideal());
}

std::string budget(const RungMeasure& rung) {
  if (!rung.right()) return "FAIL";
  return rung.verdict.cases.empty() ? "-" : fmt::format("{:.0f} %", rung.verdict.percent);
}

/// What the checker found in one run.
std::string findings(const std::string& source, const std::string& problem, const simt::Profile& profile) {
  std::string text;
  if (!profile.error.empty()) text += fmt::format("{} ({}): {}\n", source, problem, profile.error);
  for (const simt::KernelProfile& kernel : profile.kernels) {
    for (const simt::Problem& one : kernel.problems)
      text += fmt::format("{} ({}): {}\n", source, problem, one.message);
    if (kernel.problems_left_out > 0)
      text += fmt::format("{}: {} more findings\n", source, kernel.problems_left_out);
  }
  return text;
}

/// What the checker and the harness have against a rung.
std::string complaints(const RungMeasure& rung, const std::string& measured_problem) {
  std::string text;
  if (!rung.verdict.cases.empty() && !rung.verdict.passed) text += check::to_text(rung.verdict);
  text += findings(rung.rung->source, measured_problem, rung.profile);
  if (rung.profile.quiet()) text += findings(rung.rung->source, rung.checked, rung.findings);
  return text;
}

/// "global load 4 B: 8.0 (4.0)": what a line of the source does to memory.
std::string note(const simt::LineCounts& line) {
  const bool global = line.space == simt::MemorySpace::global;
  std::string text = fmt::format("{} {} {} B, {} requests, {:.1f} {} a request", simt::name_of(line.space),
                                 simt::name_of(line.kind), line.bytes_per_lane, line.counts.requests,
                                 line.counts.units_per_request(), global ? "sectors" : "wavefronts");
  if (line.counts.units > line.counts.ideal)
    text += fmt::format(" (ideal {:.1f})", line.counts.ideal_per_request());
  if (line.collisions > 0) text += fmt::format(", {} collisions", line.collisions);
  return text;
}

std::string escaped(std::string_view text) {
  std::string safe;
  for (const char letter : text) {
    if (letter == '<')
      safe += "&lt;";
    else if (letter == '&')
      safe += "&amp;";
    else if (letter == '>')
      safe += "&gt;";
    else
      safe += letter;
  }
  return safe;
}

}  // namespace

bool all_right(const LadderMeasure& measured) {
  return std::ranges::all_of(measured.rungs, &RungMeasure::right);
}

std::string to_text(const LadderMeasure& measured) {
  if (measured.rungs.empty()) return "";
  const KernelLadder& ladder = *measured.ladder;
  const RungMeasure& first = measured.rungs.front();
  std::string text = fmt::format(
      "{} (chapter {}), {}, {}: at least {:.0f} KB, {} on {}\n", ladder.op, ladder.chapter,
      ladder.measured(measured.type).description, check::name(measured.type), first.work.bytes / 1000,
      nanoseconds(first.work.bytes / measured.device->dram_bytes_per_second), measured.device->long_name);
  text += fmt::format("   {:<20} {:>7} {:>13} {:>6} {:>6} {:>7} {:>9} {:>5} {:>6} {:>9} {:>16}\n", "rung",
                      "budget", "sectors/req.", "L2", "DRAM", "banks", "barriers", "regs", "spills",
                      "occupancy", "bound");
  for (const RungMeasure& rung : measured.rungs) {
    const std::string number = rung.rung->number > 0 ? fmt::format("{:02}", rung.rung->number) : "  ";
    std::string registers = "-", spills = "-", occupancy = "-";
    if (rung.facts) {
      registers = fmt::to_string(rung.facts->registers);
      spills = fmt::to_string(rung.facts->spilled_bytes);
      occupancy = fmt::format("{:.0f} %", 100 * rung.facts->occupancy);
    }
    text += fmt::format("{} {:<20} {:>7} {:>13} {:>6.2f} {:>6.2f} {:>7} {:>9} {:>5} {:>6} {:>9} {:>16}\n",
                        number, rung.rung->name, budget(rung), per_request(rung.total.global()),
                        rung.l2_over_least(), rung.dram_over_least(), over_ideal(rung.total.shared()),
                        rung.total.block_barriers, registers, spills, occupancy,
                        fmt::format("{} {}", nanoseconds(rung.bound.seconds), rung.bound.by));
  }
  for (const RungMeasure& rung : measured.rungs)
    text += complaints(rung, ladder.measured(measured.type).description);
  return text;
}

std::string to_json(const LadderMeasure& measured) {
  nlohmann::json rungs = nlohmann::json::array();
  for (const RungMeasure& rung : measured.rungs) {
    const simt::RequestCounts global = rung.total.global();
    const simt::RequestCounts shared = rung.total.shared();
    nlohmann::json one{{"number", rung.rung->number},
                       {"name", rung.rung->name},
                       {"news", rung.rung->news},
                       {"source", rung.rung->source},
                       {"least_bytes", rung.work.bytes},
                       {"flops", rung.work.flops},
                       {"sectors_per_request", global.units_per_request()},
                       {"ideal_sectors_per_request", global.ideal_per_request()},
                       {"l2_over_least", rung.l2_over_least()},
                       {"dram_over_least", rung.dram_over_least()},
                       {"wavefronts_over_ideal", shared.units_over_ideal()},
                       {"bound_seconds", rung.bound.seconds},
                       {"bound_by", rung.bound.by},
                       {"quiet", rung.quiet()},
                       {"profile", nlohmann::json::parse(simt::to_json(rung.profile))}};
    if (!rung.verdict.cases.empty()) {
      one["passed"] = rung.verdict.passed;
      one["budget_percent"] =
          std::isfinite(rung.verdict.percent) ? nlohmann::json(rung.verdict.percent) : nlohmann::json();
      if (rung.verdict.matched) one["matched_mistake"] = rung.verdict.matched->name;
    }
    if (rung.facts) {
      one["registers"] = rung.facts->registers;
      one["spilled_bytes"] = rung.facts->spilled_bytes;
      one["occupancy"] = rung.facts->occupancy;
      one["ptx"] = {{"mma", rung.facts->mma},
                    {"ldmatrix", rung.facts->ldmatrix},
                    {"cp_async", rung.facts->cp_async},
                    {"loads_of_16_bytes", rung.facts->loads_of_16_bytes}};
    }
    rungs.push_back(std::move(one));
  }
  nlohmann::json json{{"op", measured.ladder->op},
                      {"chapter", measured.ladder->chapter},
                      {"dtype", check::name(measured.type)},
                      {"device", measured.device->name},
                      {"problem", measured.ladder->measured(measured.type).description},
                      {"rungs", std::move(rungs)}};
  if (!measured.no_facts.empty()) json["no_static_facts"] = measured.no_facts;
  return json.dump(1, ' ', false, nlohmann::json::error_handler_t::replace);
}

std::string annotated_text(const LadderMeasure& measured, const std::filesystem::path& root) {
  std::string text;
  for (const RungMeasure& rung : measured.rungs) {
    text += fmt::format("{}\n", rung.rung->source);
    const std::filesystem::path file =
        root / rung.rung->source;  // a user's own is absolute and stays as it is
    std::string named = rung.rung->source;
    auto lines = simt::annotate(rung.profile.kernels, named);
    if (lines.empty()) lines = simt::annotate(rung.profile.kernels, file.string());
    for (const simt::AnnotatedLine& line : lines) {
      text += fmt::format("{:>5}  {}\n", line.line, line.text);
      for (const simt::LineCounts& counts : line.counts) text += fmt::format("         ^ {}\n", note(counts));
    }
    text += '\n';
  }
  return text;
}

std::string to_svg(const std::vector<LadderMeasure>& ladders) {
  constexpr int row = 22, left = 240, width = 420, right = 80;
  int rows = 0;
  double most = 1;
  for (const LadderMeasure& ladder : ladders) {
    rows += 2 + static_cast<int>(ladder.rungs.size());
    for (const RungMeasure& rung : ladder.rungs)
      most = std::max({most, rung.l2_over_least(), rung.dram_over_least()});
  }
  // Logarithmic: a row per thread is an order of magnitude away from the rest.
  const double decades = std::max(std::log10(most), 0.5);
  const auto length = [&](double ratio) {
    return 4 + (width - 4) * std::log10(std::max(ratio, 1.0)) / decades;
  };
  const int height = row * rows + 30;
  std::string svg = fmt::format(
      "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{0}\" height=\"{1}\" viewBox=\"0 0 {0} {1}\" "
      "font-family=\"sans-serif\" font-size=\"12\">\n<rect width=\"{0}\" height=\"{1}\" fill=\"white\"/>\n",
      left + width + right, height);
  svg += fmt::format(
      "<text x=\"{}\" y=\"16\">bytes moved, as a multiple of the least (logarithmic): "
      "<tspan fill=\"#4477aa\">L2</tspan>, <tspan fill=\"#cc6677\">DRAM</tspan></text>\n",
      left);
  int y = 30;
  for (const LadderMeasure& ladder : ladders) {
    y += row;
    svg += fmt::format("<text x=\"8\" y=\"{}\" font-weight=\"bold\">{}, {}</text>\n", y - 6,
                       escaped(ladder.ladder->op), check::name(ladder.type));
    for (const RungMeasure& rung : ladder.rungs) {
      svg += fmt::format("<text x=\"16\" y=\"{}\">{:02} {}</text>\n", y + 14, rung.rung->number,
                         escaped(rung.rung->name));
      const double l2 = rung.l2_over_least();
      const double dram = rung.dram_over_least();
      svg += fmt::format("<rect x=\"{}\" y=\"{}\" width=\"{:.1f}\" height=\"8\" fill=\"#4477aa\"/>\n", left,
                         y + 2, length(l2));
      svg += fmt::format("<rect x=\"{}\" y=\"{}\" width=\"{:.1f}\" height=\"8\" fill=\"#cc6677\"/>\n", left,
                         y + 11, length(dram));
      svg += fmt::format("<text x=\"{:.1f}\" y=\"{}\" font-size=\"10\">{:.2f} and {:.2f}</text>\n",
                         left + length(std::max(l2, dram)) + 4, y + 14, l2, dram);
      y += row;
    }
    y += row;
  }
  svg += "</svg>\n";
  return svg;
}

}  // namespace rung::cuda

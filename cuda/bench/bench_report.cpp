#include <algorithm>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "core/check/number_type.h"
#include "cuda/bench/bench.h"

namespace rung::cuda {
namespace {

double library_median(const LadderTimes& times) {
  return times.library.empty() || !times.library.front().right() ? 0 : times.library.front().median();
}

/// `amount` per second of a run; 0 where nothing was timed.
double rate(double amount, const RungTimes& rung) {
  return rung.median() > 0 ? amount / rung.median() : 0;
}

std::string verdict(const RungTimes& rung) {
  if (!rung.right()) return "FAIL";
  return fmt::format("{:.0f} %", std::max(rung.before.percent, rung.after.percent));
}

std::string row(const LadderTimes& times, const RungTimes& rung) {
  const std::string name = rung.source.empty() ? rung.name : rung.source.substr(rung.source.rfind('/') + 1);
  if (rung.seconds.empty()) return fmt::format("  {:<28} {:>7}\n", name, verdict(rung));
  const double bytes = rate(times.work.bytes, rung);
  std::string text = fmt::format(
      "  {:<28} {:>7} {:>10.1f} {:>10.1f} {:>10.1f} {:>8.0f} {:>7.0f} % {:>8.2f}", name, verdict(rung),
      rung.median() * 1e6, rung.seconds.front() * 1e6, rung.seconds.back() * 1e6, bytes / 1e9,
      times.bandwidth.copy > 0 ? 100 * bytes / times.bandwidth.copy : 0, rate(times.work.flops, rung) / 1e12);
  if (times.op == "linear") {
    text += library_median(times) > 0
                ? fmt::format(" {:>7.0f} %", 100 * library_median(times) / rung.median())
                : fmt::format(" {:>9}", "-");
  }
  return text + "\n";
}

/// What is wrong with a rung; empty when nothing.
std::string complaint(const RungTimes& rung) {
  const std::string& name = rung.source.empty() ? rung.name : rung.source;
  if (!rung.error.empty()) return fmt::format("{}: {}\n", name, rung.error);
  if (!rung.before.passed) return fmt::format("{}: before it was timed: {}\n", name, rung.before.message);
  if (!rung.after.passed) return fmt::format("{}: after it was timed: {}\n", name, rung.after.message);
  if (!rung.same_bits)
    return fmt::format("{}: the run after the timed ones gave other bits than the first\n", name);
  return "";
}

nlohmann::json json_of(const LadderTimes& times, const RungTimes& rung) {
  nlohmann::json json{{"name", rung.name}, {"source", rung.source}, {"right", rung.right()}};
  json["complaint"] = complaint(rung);
  json["percent_of_budget"] = {{"before", rung.before.percent}, {"after", rung.after.percent}};
  json["seconds"] = rung.seconds;
  json["median_seconds"] = rung.median();
  json["bytes_per_second"] = rate(times.work.bytes, rung);
  json["flops_per_second"] = rate(times.work.flops, rung);
  if (times.bandwidth.copy > 0)
    json["share_of_copy_bandwidth"] = rate(times.work.bytes, rung) / times.bandwidth.copy;
  if (library_median(times) > 0 && rung.median() > 0)
    json["share_of_library"] = library_median(times) / rung.median();
  return json;
}

}  // namespace

std::string to_text(const LadderTimes& times) {
  std::string text = fmt::format("{}, {}: {}\n", times.op, check::name(times.type), times.description);
  text += fmt::format("  memory: {:.0f} GB/s copied, {:.0f} GB/s read, by our own kernels around this op\n",
                      times.bandwidth.copy / 1e9, times.bandwidth.read / 1e9);
  text += fmt::format("  {:<28} {:>7} {:>10} {:>10} {:>10} {:>8} {:>9} {:>8}{}\n", "", "budget", "median us",
                      "least us", "most us", "GB/s", "of copy", "TFLOP/s",
                      times.op == "linear" ? " of cuBLAS" : "");
  for (const RungTimes& rung : times.rungs) text += row(times, rung);
  for (const RungTimes& rung : times.library) text += row(times, rung);
  if (!times.no_library.empty()) text += fmt::format("  no share of cuBLAS: {}\n", times.no_library);
  for (const RungTimes& rung : times.rungs) text += complaint(rung);
  for (const RungTimes& rung : times.library) text += complaint(rung);
  return text;
}

std::string to_json(const LadderTimes& times) {
  nlohmann::json json{{"op", times.op},
                      {"dtype", check::name(times.type)},
                      {"problem", times.description},
                      {"least_bytes", times.work.bytes},
                      {"flops", times.work.flops},
                      {"copy_bytes_per_second", times.bandwidth.copy},
                      {"read_bytes_per_second", times.bandwidth.read},
                      {"rows_of_oracle", times.rows_of_oracle},
                      {"right", all_right(times)}};
  json["rungs"] = nlohmann::json::array();
  for (const RungTimes& rung : times.rungs) json["rungs"].push_back(json_of(times, rung));
  if (!times.library.empty()) json["cublas"] = json_of(times, times.library.front());
  if (!times.no_library.empty()) json["no_cublas"] = times.no_library;
  return json.dump();
}

}  // namespace rung::cuda

// ./rung kernels: every CUDA kernel of the course, judged and measured on the executor. A program of its own, for its
// kernels are compiled with the profiler's hooks; the script at the top of the repository builds and runs it.

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "cli/arguments.h"
#include "cli/command.h"
#include "cli/note.h"
#include "cli/program.h"
#include "core/error.h"
#include "cuda/ladder.h"
#include "cuda/report/ladder_report.h"
#include "cuda/report/static_facts.h"
#include "cuda/report/user_kernel.h"
#include "cuda/simt/device_description.h"

namespace {

using namespace rung;
using namespace rung::cuda;

struct Options {
  std::string op;
  std::string device = "a100";
  std::string type = "f32";
  std::filesystem::path svg;
  bool json = false;
  bool lines = false;
  bool counters = false;
};

check::NumberType type_of(const std::string& name) {
  const auto type = check::number_type(name);
  if (!type) throw Error(ErrorKind::usage, "--dtype: expected f32, f16 or bf16, found '{}'", name);
  return *type;
}

/// The source that nvcc is to compile for an op: its ladder, or what holds the user's kernel.
std::filesystem::path unit_of(const KernelLadder& ladder) {
  return std::filesystem::path(RUNG_SOURCE_DIR) / "cuda" / folder_of(ladder) / "ladder.cpp";
}

/// nvcc's facts of one source; nothing, and why in `missing`, where they cannot be had.
std::optional<StaticFacts> facts_or_why(const std::filesystem::path& source, std::string& missing) {
  const Nvcc nvcc = find_nvcc();
  if (nvcc.program.empty()) {
    missing = nvcc.missing;
    return std::nullopt;
  }
  try {
    return static_facts(nvcc, RUNG_SOURCE_DIR, source, RUNG_FACTS_CACHE);
  } catch (const Error& error) {
    missing = error.what();
    return std::nullopt;
  }
}

LadderMeasure measure_ladder(const KernelLadder& ladder, const std::vector<UserKernel>& own,
                             const Options& options) {
  LadderMeasure measured{
      .ladder = &ladder, .device = &simt::device_description(options.device), .type = type_of(options.type)};
  const check::DrawnProblems problems(*ladder.judged_by, measured.type);
  std::optional<StaticFacts> facts;
  if (!options.counters) facts = facts_or_why(unit_of(ladder), measured.no_facts);
  const auto add = [&](const KernelRung& rung, const std::optional<StaticFacts>& rung_facts) {
    if (std::ranges::find(rung.types, measured.type) == rung.types.end()) {
      note("{}: has no kernel for {}; not measured", rung.source, options.type);
      return;
    }
    measured.rungs.push_back(measure(ladder, rung,
                                     {.type = measured.type,
                                      .device = measured.device,
                                      .judge = !options.counters,
                                      .problems = &problems,
                                      .facts = rung_facts ? &*rung_facts : nullptr}));
  };
  for (const KernelRung& rung : ladder.rungs) add(rung, facts);
  for (const UserKernel& user : own) {
    if (&find_kernel_ladder(user.op) != &ladder) continue;
    std::string missing;
    std::optional<StaticFacts> own_facts;
    if (!options.counters) own_facts = facts_or_why(RUNG_USER_KERNEL, missing);
    if (!missing.empty() && measured.no_facts.empty()) note("{}", missing);
    add(user.rung, own_facts);
  }
  return measured;
}

void write_svg(const std::filesystem::path& path, const std::vector<LadderMeasure>& all) {
  std::ofstream file(path);
  file << to_svg(all);
  file.close();
  if (!file)
    throw Error(ErrorKind::bad_input, "--svg: cannot write to {}: {}", path.string(), std::strerror(errno));
  note("wrote {}", path.string());
}

int run(const Options& options) {
  const std::vector<UserKernel> own = user_kernels();
  std::vector<const KernelLadder*> wanted;
  if (!own.empty()) {
    for (const UserKernel& user : own) wanted.push_back(&find_kernel_ladder(user.op));
  } else if (!options.op.empty()) {
    wanted.push_back(&find_kernel_ladder(options.op));
  } else {
    for (const KernelLadder& ladder : kernel_ladders()) wanted.push_back(&ladder);
  }
  type_of(options.type);
  simt::device_description(options.device);

  std::vector<LadderMeasure> all;
  std::string missing;
  for (const KernelLadder* const ladder : wanted) {
    all.push_back(measure_ladder(*ladder, own, options));
    const LadderMeasure& measured = all.back();
    if (!measured.no_facts.empty()) missing = measured.no_facts;
    if (options.json) continue;
    fmt::print("{}\n", to_text(measured));
    if (options.lines) fmt::print("{}", annotated_text(measured, RUNG_SOURCE_DIR));
    std::fflush(stdout);  // an op takes seconds; what is known is shown
  }
  const bool right = std::ranges::all_of(all, all_right);
  if (options.json) {
    std::vector<std::string> objects;
    objects.reserve(all.size());
    for (const LadderMeasure& measured : all) objects.push_back(to_json(measured));
    fmt::print("{{\"right\": {}, \"ladders\": [{}]}}\n", right, fmt::join(objects, ",\n"));
  } else {
    fmt::print(
        "sectors/req.: 32-byte sectors per request to global memory (the fewest there could be). L2, DRAM: "
        "bytes that "
        "pass there, of\nthe least. banks: wavefronts of shared memory, of the fewest. bound: from these "
        "counts, at the "
        "device's peak rates; not a time.\n");
    if (!missing.empty()) note("{}", missing);
  }
  if (!options.svg.empty()) write_svg(options.svg, all);
  return right ? exit_right : exit_failed;
}

int start(int argc, char** argv) {
  Command app("Every CUDA kernel of the course: is it right, and what does it do to memory?",
              "./rung kernels");
  Options options;
  std::string file;
  app.add_option("OP", options.op, "One op's kernels (add, swiglu, rmsnorm, …); all without it")
      ->check(not_empty());
  app.add_option("--device", options.device,
                 "a100, rtx4090 or h100: whose limits and rates bounds and occupancy are for")
      ->capture_default_str();
  app.add_option("--dtype", options.type, "f32, f16 or bf16")->capture_default_str();
  app.add_flag("--json", options.json, "One JSON object, with the counters of every source line");
  app.add_flag("--lines", options.lines, "The sources, with the counters beside their lines");
  app.add_flag("--counters", options.counters,
               "Counters only: neither the harness nor nvcc is asked, which take seconds");
  app.add_option("--svg", options.svg, "Draws the ladders into this file")
      ->type_name("FILE")
      ->check(not_empty());
  app.add_option("--file", file, "Your own kernel, with --op; see docs/your_cuda_kernel.md")
      ->type_name("FILE");
  app.add_option("--op", options.op, "The op that your kernel is for");
  try {
    if (app.parse(argc, argv)) return run(options);
  } catch (const WrongArguments& wrong) {
    throw Error(ErrorKind::usage, "kernels: {}; ./rung kernels --help tells more", wrong.what());
  }
  fmt::print("{}", app.help());
  return exit_right;
}

}  // namespace

int main(int argc, char** argv) {
  return rung::run_program([&] { return start(argc, argv); });
}

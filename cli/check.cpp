// ./rung check: the harness. Whatever is judged, an op of a chapter, a stage, somebody's shared library or
// somebody's output files, it is judged by core/check and reported in the same words.

#include "core/check/check.h"

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include "chapters/candidates.h"
#include "chapters/ladder.h"
#include "cli/check_options.h"
#include "cli/commands.h"
#include "cli/models.h"
#include "core/check/candidate_library.h"
#include "core/check/case_files.h"
#include "core/check/rules.h"
#include "core/check/whole_model.h"
#include "core/checkpoint/checkpoint.h"
#include "core/error.h"

namespace {

using namespace rung;
using namespace rung::check;

struct Options {
  std::string name;
  std::filesystem::path candidate;
  std::filesystem::path outputs;
  std::string type;
  std::string model = "tiny";
  std::optional<std::uint64_t> seed;
  double timeout_seconds = 10;
  bool json = false;
  bool all_cases = false;
  bool mistakes = false;
  bool rules = false;
};

/// Prints reports as they come, or keeps them for one JSON object at the end.
class Printer {
 public:
  explicit Printer(const Options& options) : options_(options) {}

  void add(const Report& report) { add(report, to_text(report, options_.all_cases), ops_); }
  void add(const StageReport& report) { add(report, to_text(report), stages_); }

  /// Prints what is left to print.
  /// @throws CLI::RuntimeError (1) when anything failed
  void finish() {
    if (options_.json) {
      fmt::print("{{\"passed\": {}, \"ops\": [{}], \"stages\": [{}]}}\n", failed_ == 0,
                 fmt::join(ops_, ",\n"), fmt::join(stages_, ",\n"));
    } else if (judged_ > 1) {
      fmt::print("{}\n", failed_ == 0 ? fmt::format("all {} within their budgets", judged_)
                                      : fmt::format("{} of {} FAILED", failed_, judged_));
    }
    if (failed_ > 0) throw CLI::RuntimeError(1);
  }

 private:
  template <typename AnyReport>
  void add(const AnyReport& report, const std::string& text, std::vector<std::string>& json) {
    ++judged_;
    if (!report.passed) ++failed_;
    if (options_.json) {
      json.push_back(to_json(report));
    } else {
      fmt::print("{}", text);
      std::fflush(stdout);  // a check takes seconds; what is known is shown
    }
  }

  const Options& options_;
  std::vector<std::string> ops_;
  std::vector<std::string> stages_;
  int judged_ = 0;
  int failed_ = 0;
};

/// The types that were asked for and that the candidate does; what is not judged is said.
std::vector<NumberType> judged_types(const Options& options, const Candidate& candidate) {
  std::vector<NumberType> types;
  for (const NumberType type : wanted_types(options.type)) {
    if (std::find(candidate.types.begin(), candidate.types.end(), type) != candidate.types.end()) {
      types.push_back(type);
    } else if (options.type.empty()) {
      fmt::print(stderr, "{} does no {} at {}: not judged\n", candidate.name, candidate.op,
                 check::name(type));
    } else {
      throw Error(ErrorKind::usage, "--dtype {}: {} does no {} at it", options.type, candidate.name,
                  candidate.op);
    }
  }
  return types;
}

void judge(const Options& options, const Candidate& candidate, std::uint64_t seed, Printer& printer) {
  const Op& op = find_op(candidate.op);
  for (const NumberType type : judged_types(options, candidate)) {
    printer.add(check::check(op, type, candidate, seed));
  }
}

void check_library(const Options& options, Printer& printer) {
  const CandidateLibrary library(options.candidate, options.timeout_seconds);
  std::vector<std::string> wanted = library.ops();
  if (!options.name.empty()) wanted = {options.name};
  for (const std::string& op : wanted) {
    judge(options, library.candidate(find_op(op)), options.seed.value_or(default_seed), printer);
  }
}

void check_outputs(const Options& options, Printer& printer) {
  const CaseFolder folder = open_cases(options.outputs, options.name);
  if (options.seed && *options.seed != folder.seed) {
    throw Error(ErrorKind::usage, "--seed {}: the cases in {} were drawn from seed {}; leave --seed out",
                *options.seed, options.outputs.string(), folder.seed);
  }
  constexpr std::size_t most_named = 5;
  const std::size_t named = std::min(folder.missing.size(), most_named);
  if (named > 0) {
    fmt::print(
        stderr, "{} outputs are missing: {}{}\n", folder.missing.size(),
        fmt::join(folder.missing.begin(), folder.missing.begin() + static_cast<std::ptrdiff_t>(named), ", "),
        named < folder.missing.size() ? ", …" : "");
  }
  judge(options, folder_candidate(folder), folder.seed, printer);
}

/// The project's own ops, all or those called options.name.
/// @return how many there were
int check_own_ops(const Options& options, Printer& printer) {
  int judged = 0;
  for (const Candidate& candidate : chapter_candidates()) {
    if (!options.name.empty() && candidate.op != options.name) continue;
    if (options.type.empty()) {  // they are fp32 by design: nothing is missing
      printer.add(check::check(find_op(candidate.op), NumberType::f32, candidate,
                               options.seed.value_or(default_seed)));
    } else {
      judge(options, candidate, options.seed.value_or(default_seed), printer);
    }
    ++judged;
  }
  return judged;
}

void check_stages(const Options& options, Printer& printer) {
  const Checkpoint checkpoint = Checkpoint::open(resolve_model(options.model));
  const WholeModelCheck whole(checkpoint);
  for (const StageInfo& stage : ladder()) {
    if (!options.name.empty() && stage.name != options.name) continue;
    const StageInfo* const below =
        stage.checked_against.empty() ? nullptr : &find_stage(ladder(), stage.checked_against);
    printer.add(whole.check(stage, below));
  }
}

/// An op's or a stage's name, or none.
void require_known(const std::string& name) {
  std::string known;
  for (const Op& op : ops()) {
    if (name == op.name) return;
    known += op.name + ", ";
  }
  known += "and the stages ";
  for (const StageInfo& stage : ladder()) {
    if (name == stage.name) return;
    known += stage.name + (&stage == &ladder().back() ? "" : ", ");
  }
  throw Error(ErrorKind::usage, "there is no op or stage '{}'; there are {}", name, known);
}

void print_mistakes(const Options& options) {
  if (options.json) throw Error(ErrorKind::usage, "--mistakes has no --json");
  for (const Op& op : ops()) {
    if (!options.name.empty() && op.name != options.name) continue;
    fmt::print("{} (chapter {}): {}\n  {}\n", op.name, op.chapter, op.what, op.precision);
    for (const Mistake& mistake : op.mistakes) {
      std::vector<std::string_view> types;
      types.reserve(mistake.types.size());
      for (const NumberType type : mistake.types) types.push_back(check::name(type));
      fmt::print("  {:<24} {:<12} {}\n", mistake.name, fmt::to_string(fmt::join(types, " ")),
                 mistake.sentence);
    }
  }
}

/// What each published rule lets through, of the known mistakes.
void print_rules(const Options& options) {
  if (!options.name.empty()) {
    throw Error(ErrorKind::usage, "--rules: takes no op or stage; it compares on all ops");
  }
  std::vector<RulesTable> tables;
  for (const NumberType type : wanted_types(options.type)) {
    fmt::print(stderr, "judging every known mistake and reordering by every rule at {} …\n",
               check::name(type));
    tables.push_back(rules_table(type, options.seed.value_or(default_seed)));
  }
  fmt::print("{}\n", options.json ? to_json(tables) : to_text(tables));
}

void run(const Options& options) {
  if (!options.name.empty()) require_known(options.name);
  if (options.mistakes) return print_mistakes(options);
  if (options.rules) return print_rules(options);
  Printer printer(options);
  if (!options.candidate.empty()) {
    check_library(options, printer);
  } else if (!options.outputs.empty()) {
    check_outputs(options, printer);
  } else if (check_own_ops(options, printer) == 0 || options.name.empty()) {
    check_stages(options, printer);
  }
  printer.finish();
}

}  // namespace

void rung::add_check(CLI::App& app) {
  auto options = std::make_shared<Options>();
  CLI::App* const command = app.add_subcommand(
      "check", "Judge ops and stages, or your own kernel, against the fp64 oracle within an error budget");
  command->add_option("OP", options->name, "An op or a stage; all of them if not given")
      ->type_name("OP|STAGE");
  auto* const candidate =
      command->add_option("--candidate", options->candidate, "Your shared library (C ABI: core/check/abi.h)")
          ->type_name("LIB.so");
  auto* const outputs =
      command
          ->add_option("--outputs", options->outputs, "The folder of ./rung cases, with your outputs in it")
          ->type_name("DIR");
  candidate->excludes(outputs);
  command->add_option("--dtype", options->type, "f32, f16 or bf16 only");
  command->add_option("--seed", options->seed, "Draw other inputs");
  command
      ->add_option("--timeout", options->timeout_seconds, "Seconds that one call of a --candidate may take")
      ->check(CLI::Range(0.01, 86400.0))
      ->capture_default_str();
  command->add_option("-m,--model", options->model, "The model that stages are judged on")
      ->type_name("MODEL")
      ->capture_default_str();
  command->add_flag("--cases", options->all_cases, "A line for every case");
  command->add_flag("--mistakes", options->mistakes,
                    "List the known mistakes that a failure is compared with");
  command->add_flag("--rules", options->rules,
                    "What published rules (allclose and others) let through of the known mistakes");
  command->add_flag("--json", options->json, "For machines");
  command->callback([options] { run(*options); });
}

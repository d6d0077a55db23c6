// ./rung check: the harness. Whatever is judged, an op of a chapter, a stage, somebody's shared library or
// somebody's output files, it is judged by core/check and reported in the same words.

#include "core/check/check.h"

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

#include "chapters/candidates.h"
#include "chapters/ladder.h"
#include "cli/arguments.h"
#include "cli/check_options.h"
#include "cli/command.h"
#include "cli/commands.h"
#include "cli/kv_option.h"
#include "cli/models.h"
#include "cli/note.h"
#include "core/check/candidate_library.h"
#include "core/check/case_files.h"
#include "core/check/model_mistakes.h"
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
  std::filesystem::path journal;
  std::string kv = "f32";
  std::optional<std::uint64_t> seed;
  double timeout_seconds = 10;
  bool json = false;
  bool all_cases = false;
  bool mistakes = false;
  bool rules = false;
  bool stop_at_failure = false;
};

/// What --journal FILE keeps: a JSON line as soon as a case begins and when it has ended, and the verdict as the last
/// one. A grader can tell from it where somebody's code crashed, ended the program or never came back, and whatever
/// that code prints, the verdict is in nobody's way.
class Journal final : public Progress {
 public:
  /// @param path  empty: nothing is kept
  explicit Journal(const std::filesystem::path& path) : path_(path) {
    if (path.empty()) return;
    file_.open(path, std::ios::trunc);
    complain_unless_written();
  }

  void begins(std::string_view name, std::string_view description) override {
    add(nlohmann::json{{"begins", name}, {"description", description}}.dump(
        -1, ' ', false, nlohmann::json::error_handler_t::replace));
  }
  void ended() override { add(R"({"ended": true})"); }
  void verdict(std::string json) {
    std::erase(json, '\n');  // of the layout: in a string it is written \\n
    add("{\"verdict\": " + json + "}");
    complain_unless_written();
  }

 private:
  void add(std::string_view line) {
    if (file_.is_open()) file_ << line << '\n' << std::flush;  // whatever happens next, this is told
  }
  void complain_unless_written() const {
    if (path_.empty() || file_) return;
    throw Error(ErrorKind::bad_input, "--journal: cannot write to {}: {}", path_.string(),
                std::strerror(errno));
  }

  std::filesystem::path path_;
  std::ofstream file_;
};

/// Prints reports as they come, or keeps them for one JSON object at the end.
class Printer {
 public:
  explicit Printer(const Options& options) : options_(options), journal_(options.journal) {}

  /// Hears what is judged.
  Progress* progress() { return options_.journal.empty() ? nullptr : &journal_; }

  void add(const Report& report) { add(report, to_text(report, options_.all_cases), ops_); }
  void add(const FunctionReport& report) { add(report, to_text(report, options_.all_cases), functions_); }
  void add(const StageReport& report) { add(report, to_text(report), stages_); }

  /// Prints what is left to print.
  /// @throws FoundWrong when anything failed
  void finish() {
    const std::string json = fmt::format(
        "{{\"passed\": {}, \"ops\": [{}], \"functions\": [{}], \"stages\": [{}]}}\n", failed_ == 0,
        fmt::join(ops_, ",\n"), fmt::join(functions_, ",\n"), fmt::join(stages_, ",\n"));
    if (!options_.journal.empty()) journal_.verdict(json);
    if (options_.json) {
      fmt::print("{}", json);
    } else if (judged_ > 1) {
      fmt::print("{}\n", failed_ == 0 ? fmt::format("all {} within their budgets", judged_)
                                      : fmt::format("{} of {} FAILED", failed_, judged_));
    }
    if (failed_ > 0) throw FoundWrong();
  }

 private:
  template <typename AnyReport>
  void add(const AnyReport& report, const std::string& text, std::vector<std::string>& json) {
    ++judged_;
    if (!report.passed) ++failed_;
    json.push_back(to_json(report));
    if (!options_.json) {
      fmt::print("{}", text);
      std::fflush(stdout);  // a check takes seconds; what is known is shown
    }
  }

  const Options& options_;
  Journal journal_;
  std::vector<std::string> ops_;
  std::vector<std::string> functions_;
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
      note("{} does no {} at {}: not judged", candidate.name, candidate.op, check::name(type));
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
    printer.add(check::check(op, type, candidate, seed, printer.progress()));
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
    note("{} outputs are missing: {}{}", folder.missing.size(),
         fmt::join(folder.missing.begin(), folder.missing.begin() + static_cast<std::ptrdiff_t>(named), ", "),
         named < folder.missing.size() ? ", …" : "");
  }
  judge(options, folder_candidate(folder), folder.seed, printer);
}

/// The project's own ops, all or those called options.name.
void check_own_ops(const Options& options, Printer& printer) {
  for (const Candidate& candidate : chapter_candidates()) {
    if (!options.name.empty() && candidate.op != options.name) continue;
    if (options.type.empty()) {  // they are fp32 by design: nothing is missing
      printer.add(check::check(find_op(candidate.op), NumberType::f32, candidate,
                               options.seed.value_or(default_seed), printer.progress()));
    } else {
      judge(options, candidate, options.seed.value_or(default_seed), printer);
    }
  }
}

/// The project's own functions, all or the one called options.name.
void check_own_functions(const Options& options, Printer& printer) {
  for (const JudgedFunction& function : chapter_functions()) {
    if (options.name.empty() || function.name == options.name)
      printer.add(function.judge(printer.progress()));
  }
}

void check_stages(const Options& options, Printer& printer) {
  const Checkpoint checkpoint = Checkpoint::open(resolve_model(options.model));
  WholeModelCheck::Options check_options;
  // --kv is taken for a named stage alone.
  if (!options.name.empty())
    check_options.kv_type = kv_type_for(find_stage(ladder(), options.name), options.kv);
  if (options.seed) check_options.seed = *options.seed;
  check_options.progress = printer.progress();
  check_options.stop_at_failure = options.stop_at_failure;
  const WholeModelCheck whole(checkpoint, check_options);
  for (const StageInfo& stage : ladder()) {
    if (!options.name.empty() && stage.name != options.name) continue;
    // All stages means all that run such a model; one by name is refused by itself.
    if (options.name.empty() && !runs(stage, checkpoint.config())) continue;
    const StageInfo* const below = predecessor(ladder(), stage, checkpoint.config());
    printer.add(whole.check(stage, below));
  }
}

/// What a run is about.
enum class Subject { all, op, function, stage, library, outputs, mistakes, rules };

/// @throws Error (usage) for a name that is no op's, function's or stage's, or is not an op's where only one will do
Subject subject_of(const Options& options) {
  const bool is_op = std::ranges::any_of(ops(), [&](const Op& op) { return op.name == options.name; });
  const std::vector<JudgedFunction> functions = chapter_functions();
  const bool is_function =
      std::ranges::any_of(functions, [&](const auto& one) { return one.name == options.name; });
  const bool is_stage =
      std::ranges::any_of(ladder(), [&](const StageInfo& stage) { return stage.name == options.name; });
  if (!options.name.empty() && !is_op && !is_function && !is_stage) {
    std::vector<std::string> op_names, function_names, stage_names;
    for (const Op& op : ops()) op_names.push_back(op.name);
    for (const JudgedFunction& one : functions) function_names.push_back(one.name);
    for (const StageInfo& stage : ladder()) stage_names.push_back(stage.name);
    throw Error(ErrorKind::usage,
                "there is no op, function or stage '{}'; there are {}, the functions {}, and the stages {}",
                options.name, fmt::join(op_names, ", "), fmt::join(function_names, ", "),
                fmt::join(stage_names, ", "));
  }
  if (options.rules && !options.name.empty()) {
    throw Error(ErrorKind::usage, "--rules: takes no op, function or stage; it compares on all ops");
  }
  const bool handed_over = !options.candidate.empty() || !options.outputs.empty();
  if (handed_over && (is_stage || is_function)) {
    throw Error(ErrorKind::usage, "{}: expected an op to judge, found the {} {}",
                options.candidate.empty() ? "--outputs" : "--candidate", is_stage ? "stage" : "function",
                options.name);
  }
  if (options.mistakes) return Subject::mistakes;
  if (options.rules) return Subject::rules;
  if (!options.candidate.empty()) return Subject::library;
  if (!options.outputs.empty()) return Subject::outputs;
  return is_op ? Subject::op : is_function ? Subject::function : is_stage ? Subject::stage : Subject::all;
}

/// An option that would change nothing is refused: whoever gave it expects that it does.
/// @throws Error (usage)
void refuse_what_is_of_no_use(const Command& command, Subject subject) {
  using enum Subject;
  static const std::map<Subject, std::string> what{{all, "everything"},
                                                   {op, "an op"},
                                                   {function, "a function"},
                                                   {stage, "a stage"},
                                                   {library, "a shared library"},
                                                   {outputs, "outputs"},
                                                   {mistakes, "the list of mistakes"},
                                                   {rules, "the table of rules"}};
  static const std::map<std::string, std::vector<Subject>> uses{
      {"--dtype", {all, op, library, outputs, rules}},
      {"--seed", {all, op, stage, library, outputs, rules}},
      {"--timeout", {library}},
      {"--model", {all, stage}},
      {"--kv", {stage}},
      {"--cases", {all, op, function, library, outputs}},
      {"--stop-at-failure", {all, op, function, stage}},
      {"--journal", {all, op, function, stage, library, outputs}},
      {"--json", {all, op, function, stage, library, outputs, rules}}};
  for (const auto& [option, subjects] : uses) {
    if (command.count(option) == 0 || std::ranges::find(subjects, subject) != subjects.end()) continue;
    std::vector<std::string> others;
    for (const Subject other : subjects) others.push_back(what.at(other));
    throw Error(ErrorKind::usage, "{}: means nothing for {}, only for {}", option, what.at(subject),
                fmt::join(others, ", "));
  }
}

void print_model_mistakes() {
  fmt::print("the whole model: stages are compared with these\n");
  for (const ModelMistake& mistake : model_mistakes()) {
    fmt::print("  {:<24} chapter {:<4} {}\n", mistake.name, mistake.chapter, mistake.sentence);
  }
  fmt::print("the whole model: stages that multiply whole numbers are compared with these, too\n");
  for (const ModelMistake& mistake : integer_mistakes()) {
    fmt::print("  {:<24} chapter {:<4} {}\n", mistake.name, mistake.chapter, mistake.sentence);
  }
}

void print_memory_mistakes() {
  fmt::print("every op\n");
  for (const MatchedMistake& mistake : memory_mistakes()) {
    fmt::print("  {:<24} {}\n", mistake.name, mistake.sentence);
  }
}

void print_mistakes(const Options& options) {
  const bool all = options.name.empty();
  bool is_op = false;
  for (const JudgedFunction& function : chapter_functions()) {
    if (!all && function.name != options.name) continue;
    is_op = true;
    fmt::print("{} (chapter {}): {}\n", function.name, function.chapter, function.what);
    for (const auto& [name, sentence] : function.mistakes) fmt::print("  {:<24} {}\n", name, sentence);
  }
  bool memory_said = false;
  for (const Op& op : ops()) {
    if (!all && op.name != options.name) continue;
    is_op = true;
    if (!memory_said) print_memory_mistakes();
    memory_said = true;
    fmt::print("{} (chapter {}): {}\n  {}\n", op.name, op.chapter, op.what, op.precision);
    for (const Mistake& mistake : op.mistakes) {
      std::vector<std::string_view> types;
      types.reserve(mistake.types.size());
      for (const NumberType type : mistake.types) types.push_back(check::name(type));
      fmt::print("  {:<24} {:<12} {}\n", mistake.name, fmt::to_string(fmt::join(types, " ")),
                 mistake.sentence);
    }
  }
  if (all || !is_op) print_model_mistakes();
}

/// What each published rule lets through, of the known mistakes.
void print_rules(const Options& options) {
  std::vector<RulesTable> tables;
  for (const NumberType type : wanted_types(options.type)) {
    note("judging every known mistake and reordering by every rule at {} …", check::name(type));
    tables.push_back(rules_table(type, options.seed.value_or(default_seed)));
  }
  fmt::print("{}\n", options.json ? to_json(tables) : to_text(tables));
}

void run(const Options& options, const Command& command) {
  const Subject subject = subject_of(options);
  refuse_what_is_of_no_use(command, subject);
  if (subject == Subject::mistakes) return print_mistakes(options);
  if (subject == Subject::rules) return print_rules(options);
  Printer printer(options);
  if (subject == Subject::library) check_library(options, printer);
  if (subject == Subject::outputs) check_outputs(options, printer);
  if (subject == Subject::op || subject == Subject::all) check_own_ops(options, printer);
  if (subject == Subject::function || subject == Subject::all) check_own_functions(options, printer);
  if (subject == Subject::stage || subject == Subject::all) check_stages(options, printer);
  printer.finish();
}

}  // namespace

void rung::add_check(Command& app) {
  auto options = std::make_shared<Options>();
  Command* const command = app.add_subcommand(
      "check", "Judge ops and stages, or your own kernel, against the fp64 oracle within an error budget");
  command->add_option("OP", options->name, "An op, a function or a stage; all of them if not given")
      ->type_name("OP|FUNCTION|STAGE")
      ->check(not_empty());
  auto* const candidate =
      command->add_option("--candidate", options->candidate, "Your shared library (C ABI: core/check/abi.h)")
          ->type_name("LIB.so")
          ->check(not_empty());
  auto* const outputs =
      command
          ->add_option("--outputs", options->outputs, "The folder of ./rung cases, with your outputs in it")
          ->type_name("DIR")
          ->check(not_empty());
  command->add_option("--dtype", options->type, "f32, f16 or bf16 only")->check(not_empty());
  command->add_option("--seed", options->seed, "Draw other inputs")->check(whole_number<std::uint64_t>());
  command
      ->add_option("--timeout", options->timeout_seconds, "Seconds that one call of a --candidate may take")
      ->in_range(0.01, 86400.0)
      ->capture_default_str();
  command->add_option("-m,--model", options->model, "The model that stages are judged on")
      ->type_name("MODEL")
      ->capture_default_str();
  add_kv_option(*command, options->kv);
  command->add_flag("--cases", options->all_cases, "A line for every case");
  auto* const mistakes = command->add_flag("--mistakes", options->mistakes,
                                           "List the known mistakes that a failure is compared with");
  auto* const rules =
      command->add_flag("--rules", options->rules,
                        "What published rules (allclose and others) let through of the known mistakes");
  command->add_flag("--json", options->json, "For machines");
  command
      ->add_option("--journal", options->journal,
                   "For graders: a JSON line here when a case begins and ends, the verdict as the last")
      ->type_name("FILE")
      ->check(not_empty());
  // For tests: of a stage, the first scenario that fails tells the mistake.
  command->add_flag("--stop-at-failure", options->stop_at_failure)->hidden();
  candidate->excludes(outputs)->excludes(mistakes)->excludes(rules);
  outputs->excludes(mistakes)->excludes(rules);
  mistakes->excludes(rules);
  command->callback([options, command] { run(*options, *command); });
}

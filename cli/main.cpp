// The command line: which commands there are, and what an error or an exit status looks like. What a command
// does is in the file of its name.

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <initializer_list>
#include <string>
#include <string_view>

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include "cli/arguments.h"
#include "cli/command.h"
#include "cli/commands.h"
#include "cli/program.h"
#include "core/error.h"

namespace {

using rung::exit_failed;
using rung::exit_right;
using rung::exit_usage;
using rung::report_error;

// Themes of the overview, in its order. The first is named as the last one of a sentence: "run a model:
// generate …".
constexpr const char* run_theme = "Run a model";
constexpr const char* learn_theme = "Learn";
constexpr const char* look_theme = "Look inside";
constexpr const char* make_theme = "Make a model";
constexpr const char* prove_theme = "Prove it right";
constexpr const char* measure_theme = "Measure it";
constexpr const char* house_theme = "Look after the house";

/// Commands that the `rung` script answers itself, because they build or must work before anything is built.
void add_script_command(rung::Command& app, const std::string& name, const std::string& description) {
  app.add_subcommand(name, description)->callback([name] {
    throw rung::Error(rung::ErrorKind::usage,
                      "'{}' is run by the script at the top of the repository: ./rung {}", name, name);
  });
}

/// The `rung` script has linked the files of DIR into a program of its own, which it runs with the same
/// arguments. Any other program would run the chapters' own.
void add_with(rung::Command& command) {
  const auto is_linked = [](const std::string& folder) -> std::string {
    const char* const linked = std::getenv("RUNG_WITH");
    if (linked != nullptr && folder == linked) return {};
    return "files are linked in by the script at the top of the repository: ./rung … --with " + folder;
  };
  command.add_option("--with", "Your files of an exercise, such as work/03, in place of the chapters' own")
      ->type_name("DIR")
      ->check(rung::not_empty())
      ->check(is_linked);
}

void add_commands(rung::Command& app) {
  rung::add_generate(app);
  rung::add_chat(app);
  rung::add_inspect(app);
  rung::add_tokenize(app);
  rung::add_logits(app);
  rung::add_trace(app);
  rung::add_perplexity(app);
  rung::add_ladder(app);
  rung::add_check(app);
  rung::add_cases(app);
  rung::add_bench(app);
  rung::add_plan(app);
  rung::add_quantize(app);
  rung::add_synthesize(app);
  rung::add_chapter(app);
  for (const char* const name :
       {"generate", "chat", "logits", "trace", "ladder", "check", "chapter", "perplexity", "quantize"}) {
    add_with(*app.find(name));
  }
  add_script_command(app, "exercise", "Take or grade a chapter's exercises: ./rung exercise 3 --start");
  add_script_command(app, "kernels",
                     "Every CUDA kernel, run without a GPU: is it right, and what does it do to memory?");
  add_script_command(app, "doctor", "What is installed, what is missing, and the line that gets it");
  add_script_command(app, "test", "Build and run every test");
  add_script_command(app, "docs", "Build the site: the chapters in order, and every public function");

  const auto group = [&app](const char* theme, std::initializer_list<const char*> names) {
    for (const char* const name : names) {
      if (rung::Command* const command = app.find(name); command != nullptr) {
        command->group(theme);
      }
    }
  };
  group(run_theme, {"generate", "chat"});
  group(learn_theme, {"chapter", "exercise"});
  group(look_theme, {"inspect", "tokenize", "logits", "trace"});
  group(make_theme, {"quantize", "synthesize"});
  group(prove_theme, {"ladder", "check", "cases", "test"});
  group(measure_theme, {"bench", "plan", "perplexity", "kernels"});
  group(house_theme, {"doctor", "docs"});
}

/// What `./rung` alone prints: every command with one line, by theme.
void print_overview(const rung::Command& app) {
  fmt::print("{}\n\nUsage: ./rung COMMAND …        ./rung COMMAND --help tells the rest\n",
             app.description());
  for (const char* const theme :
       {run_theme, learn_theme, look_theme, make_theme, prove_theme, measure_theme, house_theme}) {
    fmt::print("\n{}\n", theme);
    for (const rung::Command* const command : app.commands()) {
      if (command->group() == theme) fmt::print("  {:<10} {}\n", command->name(), command->description());
    }
  }
  fmt::print(
      "\nMODEL is smollm2 (a 135M model, fetched once), tiny (in the repository), a GGUF file, or a Hugging "
      "Face directory.\n");
}

/// CLI11 takes "-hello" for -h too, which somebody's text may be.
bool asks_for_help(int argc, char** argv) {
  return std::any_of(argv + 1, argv + argc, [](const char* argument) {
    return std::string_view(argument) == "-h" || std::string_view(argument) == "--help";
  });
}

/// What leaves a thread of OpenMP, such as the "not written yet" of an exercise's stub, cannot be caught: it ends
/// the program, and does so in one line, too. Other threads may be about to say the same.
[[noreturn]] void end_after_uncaught() {
  static std::atomic_flag said = ATOMIC_FLAG_INIT;
  while (said.test_and_set()) pause();
  std::string what = "an unknown exception";
  try {
    if (const std::exception_ptr thrown = std::current_exception()) std::rethrow_exception(thrown);
  } catch (const std::exception& error) {
    what = error.what();
  } catch (...) {  // what it is called stands above
  }
  std::_Exit(report_error(what, exit_failed));
}

/// A file opened while stdin, stdout or stderr is closed would take its place and get what is printed.
/// Read-only, so that printing fails as it did.
void hold_standard_streams() {
  for (int stream = STDIN_FILENO; stream <= STDERR_FILENO; ++stream) {
    if (fcntl(stream, F_GETFD) == -1) open("/dev/null", O_RDONLY);
  }
}

int run(int argc, char** argv) {
  rung::Command app("Rung: LLM inference as a ladder, every rung checked against the one below.", "./rung");
  add_commands(app);

  if (argc < 2) {
    print_overview(app);
    return exit_right;
  }
  const std::string first = argv[1];
  if (!first.starts_with('-') && app.find(first) == nullptr) {
    return report_error("there is no command '" + first + "'; ./rung lists what there is", exit_usage);
  }
  try {
    if (app.parse(argc, argv)) return exit_right;
  } catch (const rung::FoundWrong&) {
    return exit_failed;
  } catch (const rung::WrongArguments& wrong) {
    const std::string where = first.starts_with('-') ? "" : first + ": ";
    return report_error(
        where + wrong.what() + "; ./rung " + (where.empty() ? "" : first + " ") + "--help tells more",
        exit_usage);
  }
  if (!asks_for_help(argc, argv)) {
    return report_error(
        first + ": no option begins with -h but --help; a text that begins with - goes behind --",
        exit_usage);
  }
  if (first.starts_with('-')) {
    print_overview(app);
  } else {
    fmt::print("{}", app.help());
  }
  return exit_right;
}

}  // namespace

int main(int argc, char** argv) {
  hold_standard_streams();
  std::set_terminate(end_after_uncaught);
  return rung::run_program([&] { return run(argc, argv); });
}

#pragma once

#include <cstddef>
#include <deque>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

namespace CLI {
class App;
class Option;
}  // namespace CLI

namespace rung {

// Arguments are read by CLI11. This is as much of it as the commands use, under its own names: its headers take the compiler
// three seconds in every file that includes them, and now only command.cpp does.

/// What is wrong with an argument's text, or "".
using TextCheck = std::function<std::string(const std::string&)>;

/// An option or a positional argument. It belongs to its command.
class Option {
 public:
  /// Of a command, which makes it; add_option() below.
  explicit Option(CLI::Option& option) : option_(&option) {}

  /// Without it the command does not run.
  Option* required();
  /// What help calls the value, such as FILE.
  Option* type_name(const std::string& name);
  /// Help shows what the variable holds when this is called.
  Option* capture_default_str();
  /// Help shows this text as the default.
  Option* default_str(const std::string& text);
  /// Every value is split there.
  Option* delimiter(char between);
  /// Refuses a value with what `wrong` says of it.
  Option* check(TextCheck wrong);
  /// Refuses a value outside [low, high]. T: int, std::int64_t, std::uint64_t or double.
  template <typename T>
  Option* in_range(T low, T high);
  /// Refuses both at once.
  Option* excludes(const Option* other);
  /// Help leaves it out.
  Option* hidden();

 private:
  CLI::Option* option_;
};

/// The arguments were not what the command takes. what() says what is wrong.
struct WrongArguments : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// Thrown by a command that ran well and found something wrong.
struct FoundWrong {};

/// A program, or a command of one.
class Command {
 public:
  /// A program. `name`: how it is called, for its help.
  Command(const std::string& description, const std::string& name);
  ~Command();
  Command(const Command&) = delete;
  Command& operator=(const Command&) = delete;

  /// A command of this program. It belongs to the program.
  Command* add_subcommand(const std::string& name, const std::string& description);
  /// An option `--name` or `-n,--name`, or a positional argument `name`, which sets `value`. T: std::string,
  /// std::filesystem::path, int, std::int64_t, std::uint64_t, double, std::optional of a string, double or 64-bit
  /// number, std::vector<int> or std::vector<std::string>; another type is added in command.cpp.
  template <typename T>
  Option* add_option(const std::string& name, T& value, const std::string& description);
  /// An option with a value that is only checked.
  Option* add_option(const std::string& name, const std::string& description);
  /// An option without a value, which sets `value` to true.
  Option* add_flag(const std::string& name, bool& value, const std::string& description = "");
  /// What the command does, once its arguments are read.
  void callback(std::function<void()> run);
  /// A line below its help.
  void footer(const std::string& text);
  /// The theme under which it is listed.
  void group(const std::string& theme);

  /// The word that calls it.
  std::string name() const;
  /// What it is for, in a line.
  std::string description() const;
  /// The theme under which it is listed.
  std::string group() const;
  /// Everything that --help prints; of a program that has read its arguments, the help of the command in them.
  std::string help() const;
  /// How often an option was given.
  std::size_t count(const std::string& option) const;
  /// The program's commands, in the order in which they were added.
  std::vector<Command*> commands() const;
  /// The command of that name, or null.
  Command* find(const std::string& name) const;

  /// Reads the arguments and runs the command.
  /// @return false when help is asked for instead
  /// @throws WrongArguments; and what the command throws
  bool parse(int argc, char** argv);

 private:
  explicit Command(CLI::App& app);

  std::unique_ptr<CLI::App> own_;  ///< of a program
  CLI::App* app_;
  std::deque<Option> options_;
  std::vector<std::unique_ptr<Command>> commands_;
};

}  // namespace rung

#include "cli/command.h"

#include <cstdint>
#include <filesystem>
#include <optional>
#include <utility>

#include <CLI/CLI.hpp>

namespace rung {

Option* Option::required() {
  option_->required();
  return this;
}

Option* Option::type_name(const std::string& name) {
  option_->type_name(name);
  return this;
}

Option* Option::capture_default_str() {
  option_->capture_default_str();
  return this;
}

Option* Option::default_str(const std::string& text) {
  option_->default_str(text);
  return this;
}

Option* Option::delimiter(char between) {
  option_->delimiter(between);
  return this;
}

Option* Option::check(TextCheck wrong) {
  option_->check(CLI::Validator(std::move(wrong), ""));
  return this;
}

template <typename T>
Option* Option::in_range(T low, T high) {
  option_->check(CLI::Range(low, high));
  return this;
}

template Option* Option::in_range(int, int);
template Option* Option::in_range(std::int64_t, std::int64_t);
template Option* Option::in_range(std::uint64_t, std::uint64_t);
template Option* Option::in_range(double, double);

Option* Option::excludes(const Option* other) {
  option_->excludes(other->option_);
  return this;
}

Option* Option::hidden() {
  option_->group("");
  return this;
}

Command::Command(const std::string& description, const std::string& name)
    : own_(std::make_unique<CLI::App>(description, name)), app_(own_.get()) {
  app_->require_subcommand(0, 1);
}

Command::Command(CLI::App& app) : app_(&app) {}

Command::~Command() = default;

Command* Command::add_subcommand(const std::string& name, const std::string& description) {
  CLI::App* const added = app_->add_subcommand(name, description);
  commands_.push_back(std::unique_ptr<Command>(new Command(*added)));
  return commands_.back().get();
}

template <typename T>
Option* Command::add_option(const std::string& name, T& value, const std::string& description) {
  return &options_.emplace_back(*app_->add_option(name, value, description));
}

#define RUNG_OPTION(...) \
  template Option* Command::add_option(const std::string&, __VA_ARGS__&, const std::string&)
RUNG_OPTION(std::string);
RUNG_OPTION(std::filesystem::path);
RUNG_OPTION(int);
RUNG_OPTION(std::int64_t);
RUNG_OPTION(std::uint64_t);
RUNG_OPTION(double);
RUNG_OPTION(std::optional<std::string>);
RUNG_OPTION(std::optional<std::int64_t>);
RUNG_OPTION(std::optional<std::uint64_t>);
RUNG_OPTION(std::optional<double>);
RUNG_OPTION(std::vector<int>);
RUNG_OPTION(std::vector<std::string>);
#undef RUNG_OPTION

Option* Command::add_option(const std::string& name, const std::string& description) {
  return &options_.emplace_back(*app_->add_option(name, description));
}

Option* Command::add_flag(const std::string& name, bool& value, const std::string& description) {
  return &options_.emplace_back(*app_->add_flag(name, value, description));
}

void Command::callback(std::function<void()> run) {
  app_->callback(std::move(run));
}

void Command::footer(const std::string& text) {
  app_->footer(text);
}

void Command::group(const std::string& theme) {
  app_->group(theme);
}

std::string Command::name() const {
  return app_->get_name();
}

std::string Command::description() const {
  return app_->get_description();
}

std::string Command::group() const {
  return app_->get_group();
}

std::string Command::help() const {
  return app_->help();
}

std::size_t Command::count(const std::string& option) const {
  return app_->count(option);
}

std::vector<Command*> Command::commands() const {
  std::vector<Command*> all;
  all.reserve(commands_.size());
  for (const std::unique_ptr<Command>& one : commands_) all.push_back(one.get());
  return all;
}

Command* Command::find(const std::string& name) const {
  for (const std::unique_ptr<Command>& one : commands_) {
    if (one->name() == name) return one.get();
  }
  return nullptr;
}

bool Command::parse(int argc, char** argv) {
  try {
    app_->parse(argc, argv);
  } catch (const CLI::Success&) {  // such as of --help
    return false;
  } catch (const CLI::ParseError& wrong) {
    throw WrongArguments(wrong.what());
  }
  return true;
}

}  // namespace rung

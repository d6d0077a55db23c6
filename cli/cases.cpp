// ./rung cases OP --out DIR: an op's test inputs as files, for a kernel written in anything.

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "cli/arguments.h"
#include "cli/check_options.h"
#include "cli/command.h"
#include "cli/commands.h"
#include "core/check/case_files.h"
#include "core/check/op.h"

namespace {

struct Options {
  std::string op;
  std::filesystem::path out;
  std::string type;
  std::uint64_t seed = rung::check::default_seed;
  bool force = false;
};

void run(const Options& options) {
  const rung::check::Op& op = rung::check::find_op(options.op);
  const auto types = rung::wanted_types(options.type);
  const std::size_t cases = rung::check::write_cases(op, options.out, {types, options.seed, options.force});
  fmt::print("{} cases of {} are in {}; README.txt there says what to do with them\n", cases, op.name,
             options.out.string());
}

}  // namespace

void rung::add_cases(Command& app) {
  auto options = std::make_shared<Options>();
  Command* const command = app.add_subcommand(
      "cases", "Write an op's test inputs as .npy files, for a kernel written in anything");
  command->add_option("OP", options->op, "rmsnorm, rope, softmax, attention, swiglu or linear")->required();
  command->add_option("--out", options->out, "The folder to write; one folder per case goes into it")
      ->required()
      ->check(not_empty());
  command->add_option("--dtype", options->type, "f32, f16 or bf16 only; all of them if not given");
  command->add_option("--seed", options->seed, "Draw other numbers")
      ->check(whole_number<std::uint64_t>())
      ->capture_default_str();
  command->add_flag("--force", options->force, "Replace the cases in a folder that is not empty");
  command->callback([options] { run(*options); });
}

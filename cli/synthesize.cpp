// ./rung synthesize: a checkpoint of a real model's shape with random weights.

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>

#include <fmt/format.h>

#include "chapters/08_quantization/synthetic_model.h"
#include "cli/arguments.h"
#include "cli/command.h"
#include "cli/commands.h"
#include "cli/interruption.h"
#include "cli/new_file.h"
#include "cli/note.h"
#include "cli/progress.h"
#include "cli/weight_type.h"
#include "core/error.h"
#include "core/measure/clock.h"

namespace rung {
namespace {

struct Options {
  std::string preset;
  std::filesystem::path out;
  std::string type = "q4_0";
  std::uint64_t seed = 0;
  bool force = false;
  std::optional<std::int64_t> layers;
  std::int64_t shrink = 1;
};

std::string preset_names() {
  std::string names;
  for (const ModelPreset& preset : model_presets()) names += (names.empty() ? "" : ", ") + preset.name;
  return names;
}

ModelConfig find_preset(const std::string& name) {
  for (const ModelPreset& preset : model_presets()) {
    if (preset.name == name) return preset.config;
  }
  throw Error(ErrorKind::usage, "PRESET: expected one of {}, found \"{}\"", preset_names(), name);
}

ModelConfig config_of(const Options& options) {
  const ModelConfig config = find_preset(options.preset);
  return resized(config, options.layers.value_or(config.layers), options.shrink);
}

std::string progress_line(std::int64_t done, std::int64_t all, double seconds) {
  const double share = static_cast<double>(done) / static_cast<double>(all);
  const std::string left = done == 0 ? "" : ", " + duration_text(seconds / share * (1 - share)) + " left";
  return fmt::format("synthesize: {:3.0f} %, {:.2f} of {:.2f} GB{}", 100 * share,
                     static_cast<double>(done) / 1e9, static_cast<double>(all) / 1e9, left);
}

/// Whether it was written; else somebody interrupted it, and everything is tidied up.
bool write(const Options& options, const ModelConfig& config, DType type) {
  const measure::Stopwatch since;
  SyntheticModel made;
  try {
    const Interruption interruption;
    Progress progress;
    made = synthesize_model(options.preset, config, type, options.seed, options.out,
                            [&](std::int64_t done, std::int64_t all) {
                              interruption.stop_if_asked();
                              progress.show(progress_line(done, all, since.seconds()));
                            });
  } catch (const Interruption::Stopped&) {
    return false;
  }
  fmt::print("{}: {}, {} random weights as {}, {} bytes, seed {}\n", options.out.string(), options.preset,
             made.weights, name(type), made.file_bytes, options.seed);
  note("synthesize: {} ({:.0f} MB/s)", duration_text(since.seconds()),
       static_cast<double>(made.file_bytes) / 1e6 / since.seconds());
  return true;
}

void run(const Options& options) {
  const ModelConfig config = config_of(options);
  const DType type = find_weight_type(options.type);
  require_new_file(options.out, options.force);
  if (write(options, config, type)) return;
  note("rung: synthesize: interrupted; nothing was left of {}", options.out.string());
  Interruption::end_by_signal();
}

}  // namespace

void add_synthesize(Command& app) {
  const auto options = std::make_shared<Options>();
  Command* command = app.add_subcommand(
      "synthesize",
      "Random weights in a real model's shape, to measure: ./rung synthesize mistral-7b m.gguf");
  command->add_option("preset", options->preset, preset_names())->type_name("PRESET")->required();
  command->add_option("out", options->out, "The GGUF file to write")
      ->type_name("OUT.gguf")
      ->required()
      ->check(not_empty());
  command->add_option("--type", options->type, "What the matrices are stored as: " + weight_type_names())
      ->capture_default_str();
  command->add_option("--seed", options->seed, "Other weights; the same seed gives the same file everywhere")
      ->check(whole_number<std::uint64_t>())
      ->capture_default_str();
  command->add_flag("--force", options->force, "Replace OUT.gguf if it is there");
  command->add_option("--layers", options->layers, "As many layers; the real model's when not given")
      ->check(whole_number<std::int64_t>())
      ->in_range(std::int64_t{1}, std::int64_t{1000});
  command
      ->add_option("--shrink", options->shrink,
                   "Divide heads and widths by it, and so the weights of a layer by its square")
      ->check(whole_number<std::int64_t>())
      ->in_range(std::int64_t{1}, std::int64_t{1000})
      ->capture_default_str();
  command->callback([options] { run(*options); });
}

}  // namespace rung

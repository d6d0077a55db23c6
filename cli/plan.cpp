// ./rung plan: what models need, and how fast they can go at the most.

#include "chapters/21_sizing/plan.h"

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <memory>
#include <optional>
#include <string>
#include <system_error>
#include <thread>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "chapters/21_sizing/plan_report.h"
#include "chapters/21_sizing/presets.h"
#include "chapters/21_sizing/stored_model.h"
#include "cli/arguments.h"
#include "cli/command.h"
#include "cli/commands.h"
#include "cli/models.h"
#include "cli/note.h"
#include "cli/weight_type.h"
#include "core/checkpoint/huggingface_config.h"
#include "core/error.h"
#include "core/measure/limits.h"
#include "core/measure/memory.h"

namespace rung {
namespace {

struct Options {
  std::vector<std::string> models;
  std::string gpu = "this";
  std::optional<double> bandwidth, flops, memory;  // GB/s, TFLOP/s, GB
  std::string weights, kv = "f16";
  std::int64_t context = 4096, batch = 1, gpus = 1;
  bool json = false;
  std::string svg;
};

std::filesystem::path preset_file(const char* kind, const std::string& name) {
  return presets_folder(kind) / (name + ".json");
}

/// Whether it is the name of a preset, and no path.
bool is_preset(const char* kind, const std::string& name) {
  if (name.find('/') != std::string::npos) return false;
  std::error_code unknown;
  return std::filesystem::is_regular_file(preset_file(kind, name), unknown);
}

DType weights_or_f16(const Options& options) {
  return options.weights.empty() ? DType::F16 : find_weight_type(options.weights, "--weights");
}

/// A config.json of Hugging Face, or one of our presets that somebody wrote.
SizedModel read_json_model(const std::filesystem::path& file) {
  if (file.filename() != "config.json") return read_model_preset(file);
  SizedModel model;
  model.id = model.name = std::filesystem::absolute(file).parent_path().filename().string();
  model.config = read_huggingface_config(file);
  return model;
}

WeightedModel find_model(const std::string& name, const Options& options) {
  if (is_preset("models", name))
    return with_weights(read_model_preset(preset_file("models", name)), weights_or_f16(options));
  std::filesystem::path path;
  try {
    path = resolve_model(name);
  } catch (const Error& error) {
    throw Error(error.kind(), "{}; or a preset: {}", error.what(),
                fmt::join(preset_names(presets_folder("models")), ", "));
  }
  if (path.extension() == ".json") return with_weights(read_json_model(path), weights_or_f16(options));
  const std::filesystem::path config = path / "config.json";
  if (std::filesystem::exists(config) && !options.weights.empty())
    return with_weights(read_json_model(config), weights_or_f16(options));
  const bool named = name.find('/') == std::string::npos;
  const WeightedModel stored = stored_model(Checkpoint::open(path), named ? name : path.filename().string());
  return options.weights.empty() ? stored : with_weights(stored.model, weights_or_f16(options));
}

Device this_machine() {
  const auto threads = static_cast<int>(std::max(1U, std::thread::hardware_concurrency()));
  Device device;
  device.name = fmt::format("this CPU, {} threads", threads);
  device.memory_bytes = static_cast<double>(measure::physical_memory_bytes());
  device.limits.bytes_per_second = measure::read_bandwidth(threads);
  device.limits.flops_per_second = measure::fma_peak(threads);
  return device;
}

Device find_device(const Options& options) {
  const bool own = options.bandwidth || options.flops || options.memory;
  if (own) {
    if (!options.bandwidth || !options.flops || !options.memory)
      throw Error(ErrorKind::usage, "--bandwidth, --flops and --memory: expected all three, or --gpu NAME");
    for (const double number : {*options.bandwidth, *options.flops, *options.memory}) {
      if (!(number > 0 && number <= 1e12))
        throw Error(ErrorKind::usage,
                    "--bandwidth, --flops and --memory: expected positive numbers up to 1e12, found {}",
                    number);
    }
    return {
        .name = "a device",
        .memory_bytes = *options.memory * 1e9,
        .limits = {.bytes_per_second = *options.bandwidth * 1e9, .flops_per_second = *options.flops * 1e12},
        .dollars_an_hour = {}};
  }
  if (options.gpu == "this") return this_machine();
  if (is_preset("devices", options.gpu)) return read_device_preset(preset_file("devices", options.gpu));
  if (options.gpu.ends_with(".json")) return read_device_preset(options.gpu);
  throw Error(ErrorKind::usage, "--gpu: expected this, one of {}, or a file like theirs, found \"{}\"",
              fmt::join(preset_names(presets_folder("devices")), ", "), options.gpu);
}

void write_drawing(const std::string& file, const std::string& drawing) {
  std::ofstream out(file, std::ios::binary);
  out << drawing;
  out.flush();
  if (!out) throw Error(ErrorKind::bad_input, "{}: cannot be written", file);
  note("plan: drawn to {}", file);
}

void run(const Options& options) {
  PlanRequest request;
  const auto kv = find_kv_type(options.kv);
  if (!kv) throw Error(ErrorKind::usage, "--kv: expected f32, f16 or int8, found \"{}\"", options.kv);
  request.work = {.kv = *kv, .context = options.context, .batch = options.batch};
  request.gpus = options.gpus;
  std::vector<WeightedModel> models;
  models.reserve(options.models.size());
  for (const std::string& name : options.models) models.push_back(find_model(name, options));
  request.listed = read_all_devices(presets_folder("devices"));
  request.device = find_device(options);
  std::vector<ModelPlan> plans;
  plans.reserve(models.size());
  for (const WeightedModel& model : models) {
    plans.push_back(plan_for(model, request));
    if (model.model.config.context < options.context)
      note("plan: {} was made for {} positions, not {}", model.model.name, model.model.config.context,
           options.context);
  }
  if (!options.svg.empty()) write_drawing(options.svg, plan_svg(plans, request));
  fmt::print("{}", options.json ? plan_json(plans, request) : plan_text(plans, request));
}

}  // namespace

void add_plan(Command& app) {
  const auto options = std::make_shared<Options>();
  Command* const command =
      app.add_subcommand("plan", "What models need, and how fast they can go at the most");
  command
      ->add_option("MODEL", options->models,
                   "Presets such as llama2-7b (a wrong name lists them), GGUF files, Hugging Face "
                   "directories, or a config.json")
      ->required()
      ->check(not_empty());
  Option* const gpu = command->add_option(
      "--gpu", options->gpu,
      "The hardware: a preset such as rtx4090, a file like theirs, or this: this CPU, measured now. Prices "
      "are listings of 2026; put yours into the files in chapters/21_sizing/presets/devices");
  gpu->type_name("NAME")->capture_default_str();
  command
      ->add_option("--bandwidth", options->bandwidth, "Hardware of your own: GB/s that its memory delivers")
      ->type_name("GB/S")
      ->excludes(gpu);
  command->add_option("--flops", options->flops, "  and TFLOP/s")->type_name("TFLOP/S");
  command->add_option("--memory", options->memory, "  and GB of memory")->type_name("GB");
  command->add_option("--gpus", options->gpus, "How many of them work as one")
      ->type_name("K")
      ->check(whole_number<std::int64_t>())
      ->in_range(std::int64_t{1}, std::int64_t{1'000'000})
      ->capture_default_str();
  command
      ->add_option(
          "--weights", options->weights,
          "What matrices are stored as: " + weight_type_names() + " (f16; of a file, as they are there)")
      ->type_name("TYPE");
  command->add_option("--kv", options->kv, "What keys and values are stored as: f32, f16 or int8")
      ->type_name("TYPE")
      ->capture_default_str();
  command->add_option("--context", options->context, "Positions of each sequence")
      ->type_name("N")
      ->check(whole_number<std::int64_t>())
      ->in_range(std::int64_t{1}, std::int64_t{2'147'483'647})
      ->capture_default_str();
  command->add_option("--batch", options->batch, "Sequences that are decoded together")
      ->type_name("B")
      ->check(whole_number<std::int64_t>())
      ->in_range(std::int64_t{1}, std::int64_t{1'000'000})
      ->capture_default_str();
  command->add_flag("--json", options->json, "For programs");
  command->add_option("--svg", options->svg, "Draw the bounds over context and batch to this file")
      ->type_name("FILE")
      ->check(not_empty());
  command->callback([options] { run(*options); });
}

}  // namespace rung

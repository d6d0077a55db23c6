// ./rung quantize: a checkpoint as GGUF with its weights in another type.

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include <fmt/format.h>

#include "chapters/08_quantization/quantize_model.h"
#include "cli/arguments.h"
#include "cli/command.h"
#include "cli/commands.h"
#include "cli/interruption.h"
#include "cli/models.h"
#include "cli/new_file.h"
#include "cli/note.h"
#include "cli/weight_type.h"
#include "core/checkpoint/checkpoint.h"
#include "core/error.h"

namespace rung {
namespace {

namespace fs = std::filesystem;

struct Options {
  std::string model;
  fs::path out;
  std::string type = "q8_0";
  bool force = false;
};

/// Nothing that is read may be written over, and nothing that is there without being told to.
void check_out(const Options& options, const Checkpoint& in) {
  std::error_code ignored;
  if (!fs::exists(options.out, ignored)) return;
  for (const Tensor& tensor : in.tensors()) {
    if (fs::equivalent(options.out, tensor.file, ignored)) {
      throw Error(ErrorKind::usage, "{}: is what is read from; give the new file another name",
                  options.out.string());
    }
  }
  require_new_file(options.out, options.force);
}

/// What has been quantised before has lost what it lost; and more is lost now.
void note_quantised_before(const Checkpoint& in, DType type) {
  std::map<DType, std::int64_t> weights;  // of each type that is quantised and stays not as it is
  for (const Tensor& tensor : in.tensors()) {
    const DType stored = tensor.view.dtype;
    if (info(stored).block_elements > 1 && stored != type) weights[stored] += elements(tensor.view.shape);
  }
  if (weights.empty()) return;
  const auto most = std::ranges::max_element(weights, {}, [](const auto& entry) { return entry.second; });
  note(
      "{}: weights are {} already; what that has lost does not come back, and the error below is what comes "
      "on top",
      in.path().string(), name(most->first));
}

/// A line every few seconds, and at each tenth.
class Progress {
 public:
  void operator()(const std::string& tensor, double done) {
    const auto now = Clock::now();
    const int tenth = static_cast<int>(10 * done);
    if (now - last_ < std::chrono::seconds(tenth > tenth_ ? 1 : 10)) return;
    note("quantize: {:3.0f} %   {}", 100 * done, tensor);
    last_ = now;
    tenth_ = tenth;
  }

 private:
  using Clock = std::chrono::steady_clock;
  Clock::time_point last_ = Clock::now();
  int tenth_ = 0;
};

double bits_per_weight(const QuantizedTotal& total) {
  return 8 * static_cast<double>(total.bytes) / static_cast<double>(total.weights);
}

void print(const QuantizedModel& result) {
  QuantizedTotal all;
  fmt::print("{:<6} {:>8} {:>15} {:>15} {:>12}\n", "type", "tensors", "weights", "bytes", "bits/weight");
  const auto line = [](std::string_view name, const QuantizedTotal& total) {
    fmt::print("{:<6} {:>8} {:>15} {:>15} {:>12.4f}\n", name, total.tensors, total.weights, total.bytes,
               bits_per_weight(total));
  };
  for (const auto& [dtype, total] : result.by_type) {
    line(name(dtype), total);
    all.tensors += total.tensors;
    all.weights += total.weights;
    all.bytes += total.bytes;
  }
  line("all", all);
  fmt::print("error of the matrices: {:.3f} % (root mean square, relative)\n", 100 * result.relative_error);
}

void run(const Options& options) {
  const DType type = find_weight_type(options.type);
  const Checkpoint in = Checkpoint::open(resolve_model(options.model));
  check_out(options, in);
  note_quantised_before(in, type);
  bool stopped = false;
  try {
    const Interruption interruption;
    Progress progress;
    const QuantizedModel result =
        quantize_model(in, options.out, type, [&](const std::string& tensor, double done) {
          interruption.stop_if_asked();
          progress(tensor, done);
        });
    print(result);
    note("{}: {} bytes, {} of {}", options.out.string(), result.file_bytes, name(type), options.model);
  } catch (const Interruption::Stopped&) {
    stopped = true;
  }
  if (!stopped) return;
  note("rung: quantize: interrupted; nothing was left of {}", options.out.string());
  Interruption::end_by_signal();
}

}  // namespace

void add_quantize(Command& app) {
  const auto options = std::make_shared<Options>();
  Command* command = app.add_subcommand(
      "quantize", "The same model with smaller weights: ./rung quantize tiny tiny-q8.gguf --type q8_0");
  command->add_option("in", options->model, "smollm2, tiny, a GGUF file or a Hugging Face directory")
      ->type_name("MODEL")
      ->required();
  command->add_option("out", options->out, "The GGUF file to write")
      ->type_name("OUT.gguf")
      ->required()
      ->check(not_empty());
  command
      ->add_option(
          "--type", options->type,
          "What the matrices become: " + weight_type_names() +
              ". Rows that 256 do not divide become q5_0 for q4_k and q8_0 for q6_k; rows that 32 do not "
              "divide f16")
      ->capture_default_str();
  command->add_flag("--force", options->force, "Replace OUT.gguf if it is there");
  command->callback([options] { run(*options); });
}

}  // namespace rung

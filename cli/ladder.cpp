// ./rung ladder: the course in one table. Every stage with what it adds, how far it is from the fp64 model as
// a share of its error budget, and what that buys in speed.

#include "chapters/ladder.h"

#include <algorithm>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <omp.h>

#include "cli/command.h"
#include "cli/commands.h"
#include "cli/models.h"
#include "cli/note.h"
#include "cli/stage_speed.h"
#include "core/check/whole_model.h"
#include "core/checkpoint/checkpoint.h"
#include "core/measure/clock.h"

namespace rung {
namespace {

struct Options {
  std::string model = "smollm2";
  bool json = false;
};

// The fp64 model runs 9 times over four texts: a second for a million parameters.
constexpr std::int64_t most_checked_parameters = 4'000'000;
// Short, because a stage that keeps nothing runs the whole history again for every token it decodes.
constexpr SpeedRuns short_runs{.prompt = 8, .decode = 16, .prefill = 128};
constexpr int repetitions = 3;

struct Speed {
  double prefill = 0;  ///< tokens per second
  double decode = 0;
  StageCost cost;
};

struct Rung {
  const StageInfo* stage;
  check::StageReport report;
  Speed speed;
};

std::int64_t parameters(const Checkpoint& checkpoint) {
  std::int64_t count = 0;
  for (const Tensor& tensor : checkpoint.tensors()) count += elements(tensor.view.shape);
  return count;
}

Speed measure_speed(const StageInfo& info, const Checkpoint& checkpoint, const SpeedRuns& runs) {
  const std::unique_ptr<Stage> stage =
      info.make(checkpoint, {.max_positions = runs.positions(), .max_sequences = 1});
  time_prefill(*stage, runs);  // brings the weights into memory
  std::vector<double> prefill, decode;
  for (int i = 0; i < repetitions; ++i) {
    prefill.push_back(time_prefill(*stage, runs).seconds);
    decode.push_back(time_decode(*stage, runs).seconds);
  }
  return {.prefill = runs.prefill / measure::median(prefill),
          .decode = runs.decode / measure::median(decode),
          .cost = stage->cost()};
}

/// Columns that `text` takes when every character is one wide; the table's texts are plain.
std::size_t longest(const std::vector<Rung>& rungs, std::string StageInfo::*text) {
  std::size_t most = 0;
  for (const Rung& rung : rungs) most = std::max(most, (rung.stage->*text).size());
  return most;
}

void print_text(const Options& options, const std::vector<Rung>& rungs, const SpeedRuns& runs,
                const std::string& checked) {
  const std::size_t name_width = longest(rungs, &StageInfo::name);
  const std::size_t new_width = longest(rungs, &StageInfo::what_is_new);
  const auto line = [&](const auto& name, const auto& chapter, const auto& what, const auto& against,
                        const auto& used, const auto& prefill, const auto& decode, const auto& weights,
                        const auto& kv) {
    fmt::print("{:<{}}  {:>2}  {:<{}}  {:<{}}  {:>6}  {:>8}  {:>8}  {:>8}  {:>10}", name, name_width, chapter,
               what, new_width, against, name_width, used, prefill, decode, weights, kv);
  };
  line("stage", "ch", "what is new", "against", "budget", "prefill", "decode", "weights", "KV cache");
  fmt::print("\n");
  line("", "", "", "", "used", "tok/s", "tok/s", "MB/token", "B/position");
  fmt::print("\n");
  for (const Rung& rung : rungs) {
    const std::string& below = rung.stage->checked_against;
    const StageCost& cost = rung.speed.cost;
    line(rung.stage->name, rung.stage->chapter, rung.stage->what_is_new, below.empty() ? "fp64" : below,
         check::share_text(rung.report.percent), fmt::format("{:.1f}", rung.speed.prefill),
         fmt::format("{:.1f}", rung.speed.decode),
         fmt::format("{:.1f}", static_cast<double>(cost.bytes_of_one_row()) / 1e6),
         cost.kv_bytes_per_position);
    fmt::print("{}\n", rung.report.passed ? "" : "  FAIL");
  }
  fmt::print(
      "\nBudget: the share of the measured error budget that the worst logit used, on {}. Every stage is "
      "held against the fp64 model too; ./rung check STAGE tells more.\n"
      "Speed: {}, {} threads, median of {}: a prefill of {} tokens, and decoding {} after {}. Weights: what "
      "one decode step reads.\n",
      checked, options.model, omp_get_max_threads(), repetitions, runs.prefill, runs.decode, runs.prompt);
}

void print_json(const Options& options, const std::vector<Rung>& rungs, const SpeedRuns& runs,
                const std::string& checked) {
  nlohmann::ordered_json out;
  out["model"] = options.model;
  out["checked_on"] = checked;
  out["threads"] = omp_get_max_threads();
  out["prefill_tokens"] = runs.prefill;
  out["decode_tokens"] = runs.decode;
  out["decode_after"] = runs.prompt;
  out["stages"] = nlohmann::ordered_json::array();
  for (const Rung& rung : rungs) {
    const StageCost& cost = rung.speed.cost;
    out["stages"].push_back({{"name", rung.stage->name},
                             {"chapter", rung.stage->chapter},
                             {"what_is_new", rung.stage->what_is_new},
                             {"checked_against", rung.stage->checked_against},
                             {"passed", rung.report.passed},
                             {"budget_percent", rung.report.percent},
                             {"prefill_tokens_per_second", rung.speed.prefill},
                             {"decode_tokens_per_second", rung.speed.decode},
                             {"weight_bytes_per_token", cost.bytes_of_one_row()},
                             {"kv_bytes_per_position", cost.kv_bytes_per_position},
                             {"check", nlohmann::ordered_json::parse(check::to_json(rung.report))}});
  }
  fmt::print("{}\n", out.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace));
}

void run(const Options& options) {
  const Checkpoint checkpoint = Checkpoint::open(resolve_model(options.model));
  const SpeedRuns runs = fit_to_context(short_runs, checkpoint.config().context);
  const bool small = parameters(checkpoint) <= most_checked_parameters;
  const std::string checked = small ? options.model : "tiny";
  const Checkpoint small_checkpoint = Checkpoint::open(resolve_model(checked));

  note("ladder: measuring the error budget on {} …", checked);
  const check::WholeModelCheck whole(small_checkpoint);
  std::vector<Rung> rungs;
  for (const StageInfo& stage : ladder()) {
    if (!rung::runs(stage, checkpoint.config()) || !rung::runs(stage, small_checkpoint.config())) continue;
    note("ladder: {}: checking on {}, timing on {} …", stage.name, checked, options.model);
    const StageInfo* const below = predecessor(ladder(), stage, small_checkpoint.config());
    rungs.push_back({&stage, whole.check(stage, below), measure_speed(stage, checkpoint, runs)});
  }
  if (options.json) {
    print_json(options, rungs, runs, checked);
  } else {
    print_text(options, rungs, runs, checked);
  }
  if (!std::ranges::all_of(rungs, [](const Rung& rung) { return rung.report.passed; })) throw FoundWrong();
}

}  // namespace

void add_ladder(Command& app) {
  const auto options = std::make_shared<Options>();
  Command* command = app.add_subcommand("ladder", "Every stage: what is new, how right it is, how fast");
  command->add_option("-m,--model", options->model, "smollm2, tiny, a GGUF file or a Hugging Face directory")
      ->capture_default_str();
  command->add_flag("--json", options->json, "For machines, with every check");
  command->callback([options] { run(*options); });
}

}  // namespace rung

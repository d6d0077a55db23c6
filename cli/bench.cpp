// ./rung bench: how fast a stage is, as a share of what this machine can do.
//
// Every timed run stands between two measurements of its limit, because a shared machine's bandwidth can
// double or halve within minutes; a run's share is taken of the mean of its two neighbours, and the median of
// the shares is reported.

#include <memory>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <omp.h>

#include "chapters/ladder.h"
#include "cli/bench_contexts.h"
#include "cli/command.h"
#include "cli/commands.h"
#include "cli/kv_option.h"
#include "cli/models.h"
#include "cli/note.h"
#include "cli/speed_series.h"
#include "cli/stage_choice.h"
#include "cli/stage_speed.h"
#include "core/error.h"
#include "core/measure/clock.h"
#include "core/measure/limits.h"
#include "core/measure/memory.h"
#include "core/measure/roofline.h"

namespace rung {
namespace {

// The goals are for fp32 weights; a stage may do better, and a busy machine worse.
constexpr double decode_goal = 0.70;
constexpr double prefill_goal = 0.60;
constexpr double load_goal = 2.0;

struct Options {
  std::string model = "smollm2";
  std::string stage;  ///< empty: stage_or_default()
  std::string kv = "f32";
  std::vector<std::int32_t> contexts;  ///< none: the usual four lines
  int threads = 0;
  int runs = 5;
  bool json = false;
};

struct Results {
  std::string stage;
  int threads = 0;
  SpeedRuns runs;
  Series decode, prefill;
  double fma_peak = 0;
  std::vector<double> loads;
  double peak_bytes = 0, weight_bytes = 0, kv_bytes = 0;
  bool fp32 = true;  ///< weights are, and not blocks, which need arithmetic to be read

  /// One that fits the caches is limited by how often threads wait for each other.
  bool fits_caches() const {
    return weight_bytes <= 4.0 * static_cast<double>(measure::last_level_cache_bytes());
  }
  /// The speed goals are for models that live in memory.
  bool has_goals() const { return fp32 && !fits_caches(); }
  double memory_limit() const { return weight_bytes + kv_bytes + memory_allowance; }
};

Results measure_stage(const Options& options) {
  if (!options.stage.empty())
    find_stage(ladder(), options.stage);  // a wrong name is refused before anything else
  const std::filesystem::path path = resolve_model(options.model);
  if (options.threads > 0) omp_set_num_threads(options.threads);

  Results results;
  results.threads = omp_get_max_threads();
  const Checkpoint checkpoint = Checkpoint::open(path);
  const std::string stage_name = stage_or_default(options.stage, checkpoint.config());
  const StageInfo& info = find_stage(ladder(), stage_name);
  results.stage = info.name;
  results.fp32 = info.weights == nullptr;
  results.runs = fit_to_context({}, checkpoint.config().context);
  const StageOptions room = {.max_positions = results.runs.positions(),
                             .max_sequences = 1,
                             .kv_type = kv_type_for(info, options.kv)};

  note("bench: loading …");
  for (int i = 0; i < 3; ++i) results.loads.push_back(time_to_first_token(path, info, room, results.runs));

  note("bench: warming up …");
  const std::unique_ptr<Stage> stage = info.make(checkpoint, room);
  results.prefill.work = time_prefill(*stage, results.runs).work;
  results.decode.work = time_decode(*stage, results.runs).work;
  results.weight_bytes = static_cast<double>(stage->weight_bytes());
  results.kv_bytes = static_cast<double>(stage->kv_bytes());
  // Everything a run needs has been allocated once, and no buffer of the measurements below yet.
  results.peak_bytes = static_cast<double>(measure::peak_resident_bytes());

  note("bench: decoding, with the read bandwidth before and after each run …");
  results.fma_peak = measure::fma_peak(results.threads);
  const auto bandwidth = [&]() -> measure::Limits {
    return {.bytes_per_second = measure::read_bandwidth(results.threads),
            .flops_per_second = results.fma_peak};
  };
  Series& decode = results.decode;
  decode.limits.push_back(bandwidth());
  for (int i = 0; i < options.runs; ++i) {
    decode.seconds.push_back(time_decode(*stage, results.runs).seconds);
    decode.limits.push_back(bandwidth());
  }

  note("bench: prefilling, with Eigen's GEMM rate before and after each run …");
  const std::vector<measure::LinearShape> shapes = measure::layer_shapes(checkpoint);
  const auto gemm_rate = [&]() -> measure::Limits {
    return {.bytes_per_second = decode.limits.back().bytes_per_second,
            .flops_per_second = measure::eigen_gemm_rate(shapes, results.runs.prefill, results.threads, 9)};
  };
  Series& prefill = results.prefill;
  prefill.limits.push_back(gemm_rate());
  for (int i = 0; i < options.runs; ++i) {
    prefill.seconds.push_back(time_prefill(*stage, results.runs).seconds);
    prefill.limits.push_back(gemm_rate());
  }
  results.fma_peak = std::max(results.fma_peak, measure::fma_peak(results.threads));
  return results;
}

/// "goal ≥ 70 %: reached".
std::string verdict(const std::string& goal, bool reached) {
  return fmt::format("goal {}: {}", goal, reached ? "reached" : "missed");
}

void print_text(const Options& options, const Results& r) {
  const Series& d = r.decode;
  const Series& p = r.prefill;
  const auto speed_verdict = [&](const std::string& goal, bool met) {
    return r.has_goals() ? verdict(goal, met) : std::string();
  };
  const std::vector<double> bandwidths = each(d.limits, &measure::Limits::bytes_per_second);
  const std::vector<double> gemm_rates = each(p.limits, &measure::Limits::flops_per_second);
  fmt::print("{}, stage {}, {} threads, medians of {} runs\n\n", options.model, r.stage, r.threads,
             options.runs);
  fmt::print("decode    {:8.1f} tok/s   {} tokens after {}, {:.2f} FLOPs a byte\n",
             r.runs.decode / d.median_seconds(), r.runs.decode, r.runs.prompt, d.work.intensity());
  fmt::print("          {:8.1f} GB/s    {:.0f} % of the read bandwidth, {:.1f} GB/s   {}\n",
             d.work.bytes / d.median_seconds() / 1e9, 100 * d.share(), measure::median(bandwidths) / 1e9,
             speed_verdict("≥ 70 %", d.share() >= decode_goal));
  const double prefill_rate = p.work.flops / p.median_seconds();
  fmt::print("prefill   {:8.1f} tok/s   {} tokens, {:.0f} FLOPs a byte\n",
             r.runs.prefill / p.median_seconds(), r.runs.prefill, p.work.intensity());
  fmt::print("          {:8.1f} GFLOP/s {:.0f} % of Eigen's GEMM at these shapes, {:.1f} GFLOP/s   {}\n",
             prefill_rate / 1e9, 100 * p.share(), measure::median(gemm_rates) / 1e9,
             speed_verdict("≥ 60 %", p.share() >= prefill_goal));
  fmt::print("                           {:.0f} % of the FMA peak, {:.1f} GFLOP/s\n",
             100 * prefill_rate / r.fma_peak, r.fma_peak / 1e9);
  if (r.fits_caches()) {
    note("bench: note: these weights fit the caches, so the read bandwidth is not their limit");
  }
  const double load = measure::median(r.loads);
  fmt::print("load      {:8.2f} s       from opening the file to the first token   {}\n", load,
             verdict("< 2 s", load < load_goal));
  fmt::print(
      "memory    {:8.1f} MB      peak; weights {:.1f} + keys and values {:.1f} + {:.0f} = {:.1f} MB   {}\n",
      r.peak_bytes / 1e6, r.weight_bytes / 1e6, r.kv_bytes / 1e6, memory_allowance / 1e6,
      r.memory_limit() / 1e6, verdict("at most that", r.peak_bytes <= r.memory_limit()));
  for (const auto& [limits, what] :
       {std::pair{&bandwidths, "read bandwidth"}, std::pair{&gemm_rates, "GEMM rate"}}) {
    if (unrest(*limits) > 1.2) {
      note("bench: note: the {} itself moved by a factor of {:.1f} meanwhile; shares are rough", what,
           unrest(*limits));
    }
  }
}

/// @param done   bytes or FLOPs of one run
/// @param limit  the limit that is named beside it
nlohmann::ordered_json to_json(const Series& series, double done, double measure::Limits::*limit) {
  std::vector<double> rates;
  rates.reserve(series.seconds.size());
  for (const double seconds : series.seconds) rates.push_back(done / seconds);
  return {{"seconds", series.seconds},
          {"rates", rates},
          {"limits", each(series.limits, limit)},
          {"share", series.share()},
          {"flops_per_byte", series.work.intensity()}};
}

void print_json(const Options& options, const Results& r) {
  nlohmann::ordered_json out;
  out["model"] = options.model;
  out["stage"] = r.stage;
  out["threads"] = r.threads;
  out["decode"] = to_json(r.decode, r.decode.work.bytes, &measure::Limits::bytes_per_second);
  out["decode"]["tokens"] = r.runs.decode;
  out["decode"]["tokens_per_second"] = r.runs.decode / r.decode.median_seconds();
  out["decode"]["bytes_per_token"] = r.decode.work.bytes / r.runs.decode;
  out["decode"]["flops_per_token"] = r.decode.work.flops / r.runs.decode;
  out["decode"]["limit"] = "read bandwidth, bytes per second";
  out["decode"]["goal"] = decode_goal;
  out["prefill"] = to_json(r.prefill, r.prefill.work.flops, &measure::Limits::flops_per_second);
  out["prefill"]["tokens"] = r.runs.prefill;
  out["prefill"]["tokens_per_second"] = r.runs.prefill / r.prefill.median_seconds();
  out["prefill"]["bytes"] = r.prefill.work.bytes;
  out["prefill"]["flops"] = r.prefill.work.flops;
  out["prefill"]["limit"] = "Eigen's GEMM rate at the layers' shapes, FLOPs per second";
  out["prefill"]["fma_peak"] = r.fma_peak;
  out["prefill"]["goal"] = prefill_goal;
  out["load"] = {{"seconds", r.loads}, {"median", measure::median(r.loads)}, {"goal", load_goal}};
  out["memory"] = {{"peak_bytes", r.peak_bytes},
                   {"weight_bytes", r.weight_bytes},
                   {"kv_bytes", r.kv_bytes},
                   {"limit_bytes", r.memory_limit()}};
  // A model's path may hold bytes that are no UTF-8, which JSON cannot.
  fmt::print("{}\n", out.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace));
}

}  // namespace

void add_bench(Command& app) {
  const auto options = std::make_shared<Options>();
  Command* command =
      app.add_subcommand("bench", "Decode, prefill, load and memory, as shares of this machine's limits");
  command->add_option("-m,--model", options->model, "smollm2, tiny, a GGUF file or a Hugging Face directory")
      ->capture_default_str();
  command->add_option("--stage", options->stage, "Which rung of the ladder (./rung ladder lists them)")
      ->default_str(default_stage_text);
  add_kv_option(*command, options->kv);
  command
      ->add_option("--contexts", options->contexts,
                   "Instead: how fast tokens are decoded after so many positions each, such as 128,4096")
      ->type_name("LIST")
      ->delimiter(',')
      ->in_range(1, 1 << 24);
  command->add_option("--threads", options->threads, "Threads; all processors when not given")
      ->in_range(1, 1024);
  command->add_option("--runs", options->runs, "Timed runs of each kind")
      ->in_range(1, 1000)
      ->capture_default_str();
  command->add_flag("--json", options->json, "Every run and limit, for machines");
  command->footer(
      "./rung bench --gpu times the CUDA kernels on a GPU; ./rung bench --gpu --help tells more.");
  command->callback([options] {
    if (!options->contexts.empty()) {
      bench_contexts({.model = options->model,
                      .stage = options->stage,
                      .kv = options->kv,
                      .contexts = options->contexts,
                      .threads = options->threads,
                      .runs = options->runs,
                      .json = options->json});
      return;
    }
    const Results results = measure_stage(*options);
    options->json ? print_json(*options, results) : print_text(*options, results);
  });
}

}  // namespace rung

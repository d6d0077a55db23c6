#include "cli/bench_contexts.h"

#include <algorithm>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <omp.h>

#include "chapters/05_sampling/continuation.h"
#include "chapters/ladder.h"
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

namespace rung {
namespace {

struct Row {
  std::int32_t context = 0;
  Series decode;
  double weight_bytes = 0;  ///< of one token
  double kv_bytes = 0;      ///< of one token, mean of the run

  double bytes() const { return weight_bytes + kv_bytes; }
};

struct Table {
  std::string stage;
  std::int32_t tokens = 0;
  std::vector<Row> rows;
  double peak_bytes = 0, weight_bytes = 0, kv_bytes = 0;  ///< of the longest context's run

  double memory_limit() const { return weight_bytes + kv_bytes + memory_allowance; }
};

Table measure_contexts(const ContextBench& bench) {
  if (!bench.stage.empty())
    find_stage(ladder(), bench.stage);  // a wrong name is refused before anything else
  const Checkpoint checkpoint = Checkpoint::open(resolve_model(bench.model));
  const std::string stage_name = stage_or_default(bench.stage, checkpoint.config());
  const StageInfo& info = find_stage(ladder(), stage_name);
  const KvType kv = kv_type_for(info, bench.kv);
  for (const std::int32_t context : bench.contexts) {
    if (context < 1 || context + std::int64_t{bench.tokens} > checkpoint.config().context) {
      throw Error(ErrorKind::usage,
                  "--contexts {}: {} new tokens behind it make {} positions; {} was made for {} at most: ask "
                  "for less",
                  context, bench.tokens, context + std::int64_t{bench.tokens}, bench.model,
                  checkpoint.config().context);
    }
  }
  const int threads = omp_get_max_threads();
  const bool mixture = checkpoint.config().mixture.has_value();
  constexpr std::int32_t lanes = 2;
  // One for what decodes; the other is never written, and so takes no memory unless it is zeroed.
  const std::int32_t held = mixture ? lanes : 1;
  Table table;
  table.stage = info.name;
  table.tokens = bench.tokens;
  // The longest first: what it takes of memory is the most that any does, and must be read before there are buffers
  // of the measurements.
  std::vector<std::int32_t> contexts = bench.contexts;
  std::ranges::sort(contexts, std::greater<>());
  for (const std::int32_t context : contexts) {
    const StageOptions options{.max_positions = context + bench.tokens,
                               .max_sequences = lanes,
                               .max_batch = std::min(context, prefill_chunk),
                               .kv_type = kv};
    const std::unique_ptr<Stage> stage = [&] {
      // A router takes no NaN, which may be where nothing was computed.
      std::optional<measure::ZeroedMemory> zeros;
      if (mixture) zeros.emplace();
      return info.make(checkpoint, options);
    }();
    if (stage->cost().kv_bytes_per_position == 0) {
      throw Error(ErrorKind::usage,
                  "--contexts: stage {} remembers no keys and values; choose a stage that does", info.name);
    }
    note("bench: after {} positions …", context);
    Row row{.context = context, .decode = {}};
    row.decode.work = time_decode_after(*stage, context, bench.tokens).work;
    row.weight_bytes = static_cast<double>(stage->cost().bytes_of_one_row());
    row.kv_bytes = row.decode.work.bytes / bench.tokens - row.weight_bytes;
    if (table.rows.empty()) {
      table.peak_bytes = static_cast<double>(measure::peak_resident_bytes());
      table.weight_bytes = static_cast<double>(stage->weight_bytes());
      table.kv_bytes = held * static_cast<double>(stage->kv_bytes()) / lanes;
    }
    const double fma_peak = measure::fma_peak(threads);
    const auto limits = [&]() -> measure::Limits {
      return {.bytes_per_second = measure::read_bandwidth(threads), .flops_per_second = fma_peak};
    };
    row.decode.limits.push_back(limits());
    for (int i = 0; i < bench.runs; ++i) {
      row.decode.seconds.push_back(time_decode_after(*stage, context, bench.tokens).seconds);
      row.decode.limits.push_back(limits());
    }
    table.rows.push_back(std::move(row));
  }
  std::ranges::reverse(table.rows);
  return table;
}

void print_text(const ContextBench& bench, const Table& table) {
  fmt::print("{}, stage {}, keys and values {}, {} threads: decoding {} tokens, medians of {} runs\n\n",
             bench.model, table.stage, bench.kv, omp_get_max_threads(), table.tokens, bench.runs);
  fmt::print("{:>8}  {:>8}  {:>10}  {:>10}  {:>8}  {:>16}\n", "context", "tok/s", "weights", "cache", "GB/s",
             "share of the");
  fmt::print("{:>8}  {:>8}  {:>10}  {:>10}  {:>8}  {:>16}\n", "", "", "MB/token", "MB/token", "",
             "read bandwidth");
  for (const Row& row : table.rows) {
    const double seconds = row.decode.median_seconds() / table.tokens;
    const std::vector<double> bandwidths = each(row.decode.limits, &measure::Limits::bytes_per_second);
    fmt::print("{:>8}  {:>8.2f}  {:>10.1f}  {:>10.1f}  {:>8.1f}  {:>5.0f} % of {:>5.1f}\n", row.context,
               1 / seconds, row.weight_bytes / 1e6, row.kv_bytes / 1e6, row.bytes() / seconds / 1e9,
               100 * row.decode.share(), measure::median(bandwidths) / 1e9);
    if (unrest(bandwidths) > 1.2) {
      note("bench: note: after {}, the read bandwidth itself moved by a factor of {:.1f}; the share is rough",
           row.context, unrest(bandwidths));
    }
  }
  fmt::print(
      "\nmemory  {:.1f} MB at the longest: weights {:.1f} + keys and values {:.1f} + {:.0f} = {:.1f} MB {}\n",
      table.peak_bytes / 1e6, table.weight_bytes / 1e6, table.kv_bytes / 1e6, memory_allowance / 1e6,
      table.memory_limit() / 1e6, table.peak_bytes <= table.memory_limit() ? "held" : "missed");
}

void print_json(const ContextBench& bench, const Table& table) {
  nlohmann::ordered_json out;
  out["model"] = bench.model;
  out["stage"] = table.stage;
  out["kv"] = bench.kv;
  out["threads"] = omp_get_max_threads();
  out["tokens"] = table.tokens;
  out["contexts"] = nlohmann::ordered_json::array();
  for (const Row& row : table.rows) {
    out["contexts"].push_back({{"context", row.context},
                               {"tokens_per_second", table.tokens / row.decode.median_seconds()},
                               {"weight_bytes_per_token", row.weight_bytes},
                               {"kv_bytes_per_token", row.kv_bytes},
                               {"seconds", row.decode.seconds},
                               {"bandwidths", each(row.decode.limits, &measure::Limits::bytes_per_second)},
                               {"share", row.decode.share()}});
  }
  out["memory"] = {{"peak_bytes", table.peak_bytes},
                   {"weight_bytes", table.weight_bytes},
                   {"kv_bytes", table.kv_bytes},
                   {"limit_bytes", table.memory_limit()}};
  // A model's path may hold bytes that are no UTF-8, which JSON cannot.
  fmt::print("{}\n", out.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace));
}

}  // namespace

void bench_contexts(const ContextBench& bench) {
  if (bench.threads > 0) omp_set_num_threads(bench.threads);
  const Table table = measure_contexts(bench);
  bench.json ? print_json(bench, table) : print_text(bench, table);
}

}  // namespace rung

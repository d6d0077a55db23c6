#include "chapters/06_kv_cache/demo.h"

#include <algorithm>
#include <map>
#include <span>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <omp.h>

#include "chapters/01_tokens/tokenizer.h"
#include "chapters/03_attention/causal_attention.h"
#include "chapters/05_sampling/continuation.h"
#include "chapters/06_kv_cache/cache_cost.h"
#include "chapters/06_kv_cache/flat_kv_store.h"
#include "chapters/06_kv_cache/flat_sequences.h"
#include "core/measure/clock.h"
#include "core/measure/gemm.h"
#include "core/measure/limits.h"
#include "core/measure/roofline.h"

namespace rung {
namespace {

using Json = nlohmann::ordered_json;
using Tokens = std::vector<std::int32_t>;

constexpr SequenceId sequence = 0;

void run(Stage& stage, std::int32_t first, std::span<const std::int32_t> tokens) {
  Batch batch;
  batch.add(sequence, first, tokens, Batch::Logits::last);
  stage.forward(batch);
}

// What both stages write, and how many rows each of them runs for it.

Json show_sentence(const DemoInput& input, DemoText& text) {
  const Tokenizer tokenizer(input.checkpoint.tokenizer());
  const std::string prompt = input.text_or("The capital of France is");
  const Tokens tokens = tokenizer.encode_prompt(prompt);
  constexpr std::int64_t count = 12;
  const auto n = static_cast<std::int64_t>(tokens.size());
  Json data;
  for (const std::string name : {"recompute", "kv_cache"}) {
    const auto stage =
        input.stage(name, {.max_positions = static_cast<std::int32_t>(n + count), .max_sequences = 1});
    Sampler greedy{SamplerOptions{}};
    Tokens history = tokens;
    const Continuation continuation = continue_sequence(
        *stage, greedy, {.sequence = sequence, .new_tokens = tokens, .count = count, .stop_tokens = {}},
        history, [](std::int32_t) {});
    // The last token is sampled and not run.
    const std::int64_t rows = name == "recompute" ? count * n + count * (count - 1) / 2 : n + count - 1;
    std::string written = tokenizer.decode(continuation.tokens);
    std::ranges::replace(written, '\n', ' ');
    text.print("{:<10} {:>4} rows for {} tokens after a prompt of {}: \"{}{}\"\n", name, rows,
               continuation.tokens.size(), n, prompt, written);
    data[name] = {{"rows", rows}, {"tokens", continuation.tokens}};
  }
  return data;
}

/// Three tokens, one layer, one head, D = 1.
Json show_example(const DemoInput& /*input*/, DemoText& text) {
  Matrix q(3, 1), k(3, 1), v(3, 1);  // [T, D]
  q << 1, 1, 1;
  k << 0, 1, 2;
  v << 10, 20, 30;
  FlatKvStore store(1, 3, 1);
  text.print("step   new q   new k   new v   keys kept   values kept   output   whole again\n");
  Json data = Json::array();
  for (std::int32_t t = 0; t < 3; ++t) {
    SequencePlan plan;
    plan.rows = 1;
    plan.past = t;
    // [step]
    store.write(0, plan, k.row(t), v.row(t));
    Matrix scratch, out(1, 1), whole(t + 1, 1);
    const Matrix keys = store.keys(0, plan, scratch);
    const Matrix values = store.values(0, plan, scratch);
    causal_attention(q.row(t), keys, values, 1, {.first_query = t}, out);
    causal_attention(q.topRows(t + 1), k.topRows(t + 1), v.topRows(t + 1), 1, {}, whole);
    // [step]
    const auto list = [](const Matrix& numbers) {
      return fmt::format("{}", fmt::join(numbers.data(), numbers.data() + numbers.size(), " "));
    };
    text.print("{:>4} {:>7} {:>7} {:>7}   {:<9}   {:<11} {:>8.1f}   {:>11.1f}\n", t + 1, q(t, 0), k(t, 0),
               v(t, 0), list(keys), list(values), out(0, 0), whole(t, 0));
    data.push_back({{"output", out(0, 0)}, {"whole", whole(t, 0)}});
  }
  return data;
}

/// Which sequence's which position is in each slot.
class Slots {
 public:
  explicit Slots(FlatSequences& sequences) : sequences_(sequences) {}

  /// "7.0 7.1 .   .   | 9.0 …": two lanes of four.
  std::string show() {
    std::string line;
    for (std::size_t slot = 0; slot < 8; ++slot) {
      const auto& [name, position] = slots_[slot];
      const bool lives = position >= 0 && sequences_.length(name) > position && lane_of(name) == slot / 4;
      line += lives ? fmt::format("{}{} ", static_cast<char>(name), position) : ".  ";
      if (slot == 3) line += "| ";
    }
    return line;
  }
  void wrote(const Plan& plan) {
    for (const SequencePlan& one : plan.sequences) {
      lanes_[one.sequence] = static_cast<std::size_t>(one.first_slot) / 4;
      for (std::int32_t p = one.past; p < one.length(); ++p) {
        slots_[static_cast<std::size_t>(one.slot(p))] = {one.sequence, p};
      }
    }
  }
  void copied(SequenceId from, SequenceId to, std::size_t lane) {
    lanes_[to] = lane;
    for (std::int32_t p = 0; p < sequences_.length(from); ++p)
      slots_[4 * lane + static_cast<std::size_t>(p)] = {to, p};
  }

 private:
  std::size_t lane_of(SequenceId name) { return lanes_[name]; }

  FlatSequences& sequences_;
  std::vector<std::pair<SequenceId, std::int32_t>> slots_ =
      std::vector<std::pair<SequenceId, std::int32_t>>(8, {0, -1});
  std::map<SequenceId, std::size_t> lanes_;
};

Json show_plan(const DemoInput& /*input*/, DemoText& text) {
  const StageOptions room{.max_positions = 4, .max_sequences = 2};
  FlatKvStore store(1, 8, 1);
  FlatSequences sequences(room, store);
  Slots slots(sequences);
  const auto say = [&](const std::string& what, const std::string& result) {
    text.print("{:<44} {}{}\n", what, slots.show(), result.empty() ? "" : "  " + result);
  };
  struct Part {
    char name;
    std::int32_t first, rows;
  };
  const auto reserve = [&](const std::vector<Part>& parts) {
    Batch batch;
    for (const Part& part : parts) {
      batch.add(part.name, part.first, Tokens(static_cast<std::size_t>(part.rows)), Batch::Logits::none);
    }
    return sequences.reserve(batch);
  };
  const auto commit = [&](const std::string& what, const std::vector<Part>& parts) {
    const auto plan = reserve(parts);
    if (plan) {
      slots.wrote(*plan);
      sequences.commit(*plan);
    }
    say(what, plan ? "" : "full: nothing changed");
  };
  text.print("{:<44} {}\n", "", "lane 0      | lane 1");
  commit("prefill: 2 rows of a", {{'a', 0, 2}});
  commit("a decodes, and a chunk of b: 1 + 2 rows", {{'a', 2, 1}, {'b', 0, 2}});
  commit("both decode: 1 + 1 rows", {{'a', 3, 1}, {'b', 2, 1}});
  commit("both again: a's lane is full", {{'a', 4, 1}, {'b', 3, 1}});
  sequences.truncate('a', 1);
  say("truncate a to 1", "");
  const auto aborted = reserve({{'a', 1, 2}});
  sequences.abort(*aborted);
  say("reserve 2 rows of a, then abort", "");
  sequences.drop('b');
  say("drop b", "lane 1 is free");
  sequences.fork('a', 'c');
  slots.copied('a', 'c', 1);
  say("fork a to c", "the slots are copied");
  commit("a and c go on: 1 + 2 rows", {{'a', 1, 1}, {'c', 1, 2}});
  return nullptr;
}

// Prefill and decode.

/// Tokens of the prompt that is run, and after which one is decoded.
std::int32_t prompt_length(const DemoInput& input) {
  return static_cast<std::int32_t>(std::min<std::int64_t>(256, input.checkpoint.config().context / 2));
}

/// What the stage must move and compute. Loads it without room for more than it needs.
StageCost cost_of(const DemoInput& input, const std::string& name) {
  return input.stage(name, {.max_positions = 1, .max_sequences = 1})->cost();
}

Json show_counts(const DemoInput& input, DemoText& text) {
  const StageCost cost = cost_of(input, "kv_cache");
  const std::int32_t prompt = prompt_length(input);
  Json data = Json::array();
  text.print("{:<24} {:>6} {:>10} {:>10} {:>14}\n", "", "rows", "GFLOP", "MB", "FLOPs a byte");
  const auto row = [&](const std::string& what, std::int64_t rows, const measure::Work& work) {
    text.print("{:<24} {:>6} {:>10.3g} {:>10.0f} {:>14.2g}\n", what, rows, work.flops / 1e9, work.bytes / 1e6,
               work.intensity());
    data.push_back({{"what", what}, {"rows", rows}, {"flops", work.flops}, {"bytes", work.bytes}});
  };
  row(fmt::format("prefill of {}", prompt), prompt, measure::prefill_work(cost, prompt));
  row(fmt::format("decode 1 after {}", prompt), 1, measure::decode_work(cost, prompt));
  return data;
}

/// What this machine can do now: reading memory, and a matrix product of `rows` rows at the model's shapes.
measure::Limits limits_now(const DemoInput& input, std::int64_t rows, int repeats = 5) {
  const int threads = omp_get_max_threads();
  return {.bytes_per_second = measure::read_bandwidth(threads),
          .flops_per_second =
              measure::eigen_gemm_rate(measure::layer_shapes(input.checkpoint), rows, threads, repeats)};
}

/// Median seconds of running `tokens` behind what is remembered, which is the same again afterwards.
double seconds_of(Stage& stage, std::span<const std::int32_t> tokens, int times) {
  const std::int32_t past = stage.sequences().length(sequence);
  std::vector<double> seconds;
  for (int i = 0; i < times; ++i) {
    const measure::Stopwatch watch;
    run(stage, past, tokens);
    seconds.push_back(watch.seconds());
    stage.sequences().truncate(sequence, past);
  }
  return measure::median(seconds);
}

Json show_phases(const DemoInput& input, DemoText& text) {
  const std::int32_t prompt = prompt_length(input);
  const auto stage = input.stage("kv_cache", {.max_positions = prompt + 1, .max_sequences = 1});
  const Tokens tokens = any_tokens(prompt, input.checkpoint.config().vocab);
  run(*stage, 0, tokens);  // warm-up
  stage->sequences().truncate(sequence, 0);

  Json data = Json::array();
  const auto show = [&](const std::string& what, const measure::Work& work,
                        std::span<const std::int32_t> rows, int times) {
    const measure::Limits limits = limits_now(input, prompt);
    const double moving = work.bytes / limits.bytes_per_second;
    const double computing = work.flops / limits.flops_per_second;
    const double predicted = measure::least_seconds(work, limits);
    text.print("{}\n", what);
    text.print("  limits      {:.1f} GB/s, {:.0f} GFLOP/s: {:.1f} FLOPs a byte; the work has {:.2g}\n",
               limits.bytes_per_second / 1e9, limits.flops_per_second / 1e9,
               limits.flops_per_second / limits.bytes_per_second, work.intensity());
    text.print("  predicted   moving {:.1f} ms, computing {:.1f} ms: bound by {}, {:.1f} ms\n", 1e3 * moving,
               1e3 * computing, moving > computing ? "memory" : "computing", 1e3 * predicted);
    const double measured = seconds_of(*stage, rows, times);
    text.print("  measured    {:.1f} ms, {:.2f} ms a token; the prediction is {:.0f} % of it\n",
               1e3 * measured, 1e3 * measured / static_cast<double>(rows.size()), 100 * predicted / measured);
    data.push_back({{"what", what},
                    {"moving", moving},
                    {"computing", computing},
                    {"measured", measured},
                    {"flops", work.flops},
                    {"bytes", work.bytes},
                    {"bytes_per_second", limits.bytes_per_second},
                    {"flops_per_second", limits.flops_per_second}});
  };
  show(fmt::format("prefill of {}", prompt), measure::prefill_work(stage->cost(), prompt), tokens, 3);
  run(*stage, 0, tokens);
  show(fmt::format("decode 1 after {}", prompt), measure::decode_work(stage->cost(), prompt),
       {tokens.data(), 1}, 9);
  return data;
}

// How the cost of a token grows.

/// 16, 16 times `factor`, … as far as the model's context and `most` go.
std::vector<std::int32_t> lengths(const DemoInput& input, std::int32_t most, std::int32_t factor) {
  std::vector<std::int32_t> lengths;
  for (std::int32_t n = 16; n <= most && n < input.checkpoint.config().context; n *= factor)
    lengths.push_back(n);
  return lengths;
}

Json show_growth(const DemoInput& input, DemoText& text) {
  const StageCost whole = cost_of(input, "recompute");
  const StageCost cached = cost_of(input, "kv_cache");
  Json data = Json::array();
  text.print("{:>8}   {:>22}   {:>22}   {:>22}\n", "", "GFLOP for the next", "MB for the next",
             "GFLOP for all so far");
  text.print("{:>8}", "after");
  for (int i = 0; i < 3; ++i) text.print("   {:>12} {:>9}", "recompute", "kv_cache");
  text.print("\n");
  std::int64_t done = 0;
  double all_whole = 0, all_cached = 0;
  for (const std::int32_t n : lengths(input, 2048, 2)) {
    for (; done < n; ++done) {
      all_whole += measure::decode_work(whole, done).flops;
      all_cached += measure::decode_work(cached, done).flops;
    }
    const measure::Work again = measure::decode_work(whole, n);
    const measure::Work step = measure::decode_work(cached, n);
    text.print("{:>8}   {:>12.3g} {:>9.3g}   {:>12.0f} {:>9.0f}   {:>12.3g} {:>9.3g}\n", n, again.flops / 1e9,
               step.flops / 1e9, again.bytes / 1e6, step.bytes / 1e6, all_whole / 1e9, all_cached / 1e9);
    data.push_back({{"length", n},
                    {"recompute_flops", again.flops},
                    {"kv_cache_flops", step.flops},
                    {"recompute_total", all_whole},
                    {"kv_cache_total", all_cached}});
  }
  return data;
}

/// One stage's steps after more and more tokens: just before each its limits and the prediction, then the time.
Json time_steps(const DemoInput& input, DemoText& text, const std::string& name, std::int32_t longest) {
  const std::vector<std::int32_t> all = lengths(input, longest, 4);
  const auto stage = input.stage(name, {.max_positions = all.back() + 1, .max_sequences = 1});
  const Tokens tokens = any_tokens(all.back(), input.checkpoint.config().vocab);
  run(*stage, 0, tokens);
  Json data = Json::array();
  // From the longest to the shortest: what is remembered is cut, not filled anew.
  for (auto n = all.rbegin(); n != all.rend(); ++n) {
    stage->sequences().truncate(sequence, *n);
    seconds_of(*stage, {tokens.data(), 1}, 1);  // warm-up
    const measure::Limits limits = limits_now(input, prompt_length(input), 2);
    const double predicted = measure::least_seconds(measure::decode_work(stage->cost(), *n), limits);
    text.print("{:<10} {:>6} {:>12.1f}", name, *n, 1e3 * predicted);
    const double measured = seconds_of(*stage, {tokens.data(), 1}, name == "recompute" ? 3 : 9);
    text.print(" {:>12.1f} {:>8.0f} %\n", 1e3 * measured, 100 * predicted / measured);
    data.push_back({{"length", *n},
                    {"predicted", predicted},
                    {"measured", measured},
                    {"bytes_per_second", limits.bytes_per_second},
                    {"flops_per_second", limits.flops_per_second}});
  }
  return data;
}

Json show_speed(const DemoInput& input, DemoText& text) {
  text.print("{:<10} {:>6} {:>12} {:>12} {:>10}\n", "stage", "after", "predicted", "measured", "share");
  text.print("{:<10} {:>6} {:>12} {:>12}\n", "", "", "ms a token", "ms a token");
  Json data;
  data["recompute"] = time_steps(input, text, "recompute", 256);
  data["kv_cache"] = time_steps(input, text, "kv_cache", 1024);
  return data;
}

// What a cache costs.

Json show_memory(const DemoInput& input, DemoText& text) {
  const ModelConfig& c = input.checkpoint.config();
  constexpr std::int64_t positions = 4096;
  text.print("{:<30} {:>6} {:>5} {:>4} {:>6} {:>12} {:>14}\n", "", "layers", "heads", "D", "number",
             "KiB/position", "MiB for 4096");
  const auto row = [&](const std::string& what, const CacheShape& shape) {
    text.print("{:<30} {:>6} {:>5} {:>4} {:>6} {:>12.4g} {:>14.5g}\n", what, shape.layers, shape.heads,
               shape.head_dim, shape.number_bytes == 4 ? "fp32" : "fp16",
               static_cast<double>(position_bytes(shape)) / 1024,
               static_cast<double>(cache_bytes(shape, 1, positions)) / (1024 * 1024));
  };
  const CacheShape own{.layers = c.layers, .heads = c.heads, .head_dim = c.head_dim, .number_bytes = 4};
  CacheShape grouped = own;
  grouped.heads = c.kv_heads;
  row(input.model, own);
  for (const auto& [name, layers, heads] :
       {std::tuple{"Llama 2 7B", 32, 32}, std::tuple{"Llama 2 13B", 40, 40}}) {
    for (const int bytes : {2, 4}) {
      row(name, {.layers = layers, .heads = heads, .head_dim = 128, .number_bytes = bytes});
    }
  }
  row(input.model + ", only its G heads", grouped);

  constexpr std::int32_t room = 256;
  const auto stage = input.stage("kv_cache", {.max_positions = room, .max_sequences = 2});
  text.print("\n{}: 2 lanes of {}: {} bytes by the formula, {} allocated by the stage\n", input.model, room,
             cache_bytes(own, 2, room), stage->kv_bytes());
  text.print("{}: a step after {} moves {:.1f} MB of keys and values and {:.1f} MB of weights\n", input.model,
             positions / 2, static_cast<double>(step_bytes(own, positions / 2)) / 1e6,
             static_cast<double>(stage->cost().weight_bytes + stage->cost().output_bytes) / 1e6);
  return nullptr;
}

}  // namespace

Demo kv_cache_demo() {
  return {
      .chapter = 6,
      .title =
          "Why does a model compute the same keys and values again and again, and what if it keeps them?",
      .parts = {
          {"sentence", "the same text from both stages, and the rows that each runs", show_sentence},
          {"example", "three tokens, one at a time, with what is kept", show_example},
          {"plan", "which slots belong to which sequence", show_plan},
          {"counts", "what prefill and decode must compute and move", show_counts},
          {"phases", "prefill and decode: predicted from this machine's limits, then measured", show_phases},
          {"growth", "how the cost of a token grows: counted", show_growth},
          {"speed", "how the cost of a token grows: predicted, then measured", show_speed},
          {"memory", "what a cache costs in bytes", show_memory}}};
}

}  // namespace rung

#include "chapters/07_grouped_query/demo.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "chapters/01_tokens/tokenizer.h"
#include "chapters/05_sampling/continuation.h"
#include "chapters/05_sampling/random.h"
#include "chapters/07_grouped_query/grouped_attention.h"
#include "chapters/07_grouped_query/grouped_cost.h"
#include "chapters/07_grouped_query/ring.h"
#include "chapters/07_grouped_query/ring_sequences.h"
#include "core/error.h"
#include "core/measure/clock.h"

namespace rung {
namespace {

using Json = nlohmann::ordered_json;
using Tokens = std::vector<std::int32_t>;

constexpr double kib = 1024, mib = 1024 * 1024;

// The same text from the cache of chapter 06 and from one with G heads.

Json show_sentence(const DemoInput& input, DemoText& text) {
  const Tokenizer tokenizer(input.checkpoint.tokenizer());
  const std::string prompt = input.text_or("The capital of France is");
  const Tokens tokens =
      tokenizer.encode(prompt, Tokenizer::Special::as_text, Tokenizer::AddSpecial::as_the_model_says);
  constexpr std::int64_t count = 12;
  Json data;
  for (const std::string name : {"kv_cache", "grouped"}) {
    const auto stage = input.stage(
        name, {.max_positions = static_cast<std::int32_t>(tokens.size()) + static_cast<std::int32_t>(count),
               .max_sequences = 1});
    Sampler greedy{SamplerOptions{}};
    Tokens history = tokens;
    const Continuation continuation = continue_sequence(
        *stage, greedy, {.sequence = 0, .new_tokens = tokens, .count = count, .stop_tokens = {}}, history,
        [](std::int32_t) {});
    std::string written = tokenizer.decode(continuation.tokens);
    std::ranges::replace(written, '\n', ' ');
    text.print("{:<9} {:>9} bytes of keys and values   \"{}{}\"\n", name, stage->kv_bytes(), prompt, written);
    data[name] = {{"bytes", stage->kv_bytes()}, {"tokens", continuation.tokens}};
  }
  return data;
}

Json show_heads(const DemoInput& input, DemoText& text) {
  const ModelConfig& config = input.checkpoint.config();
  const std::int64_t sharing = config.heads / config.kv_heads;
  text.print("{}: H = {}, G = {}: {} query heads share one key/value head\n", input.model, config.heads,
             config.kv_heads, sharing);
  text.print("{:<34}", "query head h");
  for (std::int64_t h = 0; h < config.heads; ++h) text.print("{:>3}", h);
  text.print("\n{:<34}", "key/value head h / (H / G)");
  for (std::int64_t h = 0; h < config.heads; ++h) text.print("{:>3}", h / sharing);
  text.print("\n{:<34}", "not h % G");
  for (std::int64_t h = 0; h < config.heads; ++h) text.print("{:>3}", h % config.kv_heads);
  text.print("\n");
  return nullptr;
}

/// Two query heads, one key/value head, D = 1, two positions.
Json show_example(const DemoInput& /*input*/, DemoText& text) {
  // [example]
  Matrix q(2, 2), k(2, 1), v(2, 1);  // [T, H · D] and [T, G · D]: H = 2, G = 1, D = 1
  q << 0, 1, 0, 1;
  k << 0, 1;
  v << 10, 20;
  Matrix out(2, 2);
  const KvPiece piece{.first = 0, .keys = k, .values = v};
  grouped_attention(q, {&piece, 1}, {.head_dim = 1, .kv_heads = 1}, out);
  // [example]
  text.print(
      "position   q of head 0   q of head 1   the one k   the one v   out of head 0   out of head 1\n");
  for (int t = 0; t < 2; ++t) {
    text.print("{:>8} {:>13} {:>13} {:>11} {:>11} {:>15.2f} {:>15.2f}\n", t, q(t, 0), q(t, 1), k(t, 0),
               v(t, 0), static_cast<double>(out(t, 0)), static_cast<double>(out(t, 1)));
  }
  return nullptr;
}

// A ring, step by step.

/// The positions that are in the slots of a ring.
class Ring {
 public:
  explicit Ring(std::int32_t slots) : positions_(static_cast<std::size_t>(slots), -1) {}

  void wrote(const SequencePlan& plan) {
    for (std::int32_t p = plan.past; p < plan.length(); ++p)
      positions_[static_cast<std::size_t>(plan.slot(p))] = p;
  }
  const std::vector<std::int32_t>& positions() const { return positions_; }
  std::string show() const {
    std::string line;
    for (const std::int32_t position : positions_)
      line += position < 0 ? fmt::format("{:>4}", ".") : fmt::format("{:>4}", position);
    return line;
  }

 private:
  std::vector<std::int32_t> positions_;
};

std::string list_of(std::int32_t first, std::int32_t last) {
  return last - first == 1 ? fmt::format("{}", first) : fmt::format("{} to {}", first, last - 1);
}

/// The words of a line in lines of at most `width` bytes.
std::string folded(std::string line, std::size_t width) {
  for (std::size_t from = 0; line.size() - from > width;) {
    const std::size_t space = line.rfind(' ', from + width);
    if (space == std::string::npos || space <= from) break;
    line[space] = '\n';
    from = space + 1;
  }
  return line;
}

Json show_ring(const DemoInput& /*input*/, DemoText& text) {
  constexpr std::int32_t window = 4, batch = 3;
  const auto slots = static_cast<std::int32_t>(lane_slots(window, 100, batch));
  const auto store = make_slot_store(KvType::f32, {.layers = 1, .slots = slots, .heads = 1, .head_dim = 1});
  RingSequences sequences({.max_positions = 100, .max_sequences = 1, .max_batch = batch}, window, *store);
  Ring ring(slots);
  text.print("window W = {}, batches of at most T_max = {}: a ring of W + T_max - 1 = {} slots\n\n", window,
             batch, slots);
  text.print("{:<22}   {:<24}   {:<15}   {}\n", "batch", "position in slot 0 … 5", "its rows see", "read as");
  Json data = Json::array();
  std::int32_t length = 0;
  for (const std::int32_t rows : {3, 1, 1, 3, 1, 3}) {
    Batch one;
    one.add(0, length, Tokens(static_cast<std::size_t>(rows)), Batch::Logits::none);
    const Plan plan = sequences.reserve(one).value();
    const SequencePlan& part = plan.sequences[0];
    ring.wrote(part);
    sequences.commit(plan);
    std::vector<std::string> runs;
    for (const PositionRun& run : slot_runs(part, part.first_visible, part.length())) {
      const auto slot = static_cast<std::int32_t>(part.slot(run.first));
      runs.push_back(fmt::format("slot{} {}", run.count == 1 ? "" : "s", list_of(slot, slot + run.count)));
    }
    text.print("{:<22}   {:<24}   {:<15}   {}\n",
               fmt::format("position{} {}", rows == 1 ? "" : "s", list_of(length, length + rows)),
               ring.show(), list_of(part.first_visible, part.length()), fmt::join(runs, ", then "));
    length += rows;
    data.push_back(
        {{"first", part.past}, {"rows", rows}, {"seen", part.first_visible}, {"slots", ring.positions()}});
  }
  for (const std::int32_t cut : {length - batch, length - batch + 1}) {
    try {
      sequences.truncate(0, cut);
      text.print("\ncut to {}: done\n", cut);
    } catch (const Error& error) {
      text.print("\n{}\n", folded(fmt::format("cut to {}: {}", cut, error.what()), 104));
    }
  }
  return data;
}

/// Which positions a query sees, read off the output.
Json show_window(const DemoInput& /*input*/, DemoText& text) {
  constexpr std::int64_t window = 4, length = 7;
  const Matrix zeros = Matrix::Zero(length, length);       // one head of `length` numbers: all scores are 0
  const Matrix places = Matrix::Identity(length, length);  // value p has a 1 at place p
  Matrix out(length, length);
  const KvPiece piece{.first = 0, .keys = zeros, .values = places};
  grouped_attention(zeros, {&piece, 1}, {.head_dim = length, .kv_heads = 1, .window = window}, out);
  text.print("window {}: the weight that each query gives each position when all scores are equal\n", window);
  text.print("{:<8}", "query");
  for (int p = 0; p < length; ++p) text.print("{:>6}", p);
  text.print("   sees\n");
  for (Eigen::Index t = 0; t < length; ++t) {
    text.print("{:<8}", t);
    int seen = 0;
    for (Eigen::Index p = 0; p < length; ++p) {
      const auto weight = static_cast<double>(out(t, p));
      text.write(weight > 0 ? fmt::format("{:>6.2f}", weight) : fmt::format("{:>6}", "."));
      seen += weight > 0 ? 1 : 0;
    }
    text.print("{:>7}\n", seen);
  }
  return nullptr;
}

// What it costs in bytes.

Json show_sizes(const DemoInput& input, DemoText& text) {
  std::vector<KnownModel> models = known_models();
  models.push_back({.name = input.model, .config = input.checkpoint.config()});
  text.print("{:<14} {:>6} {:>3} {:>3} {:>4} {:>7}   {:>27}   {:>24}\n", "", "", "", "", "", "",
             "KiB a position in", "MiB of one text in fp16");
  text.print("{:<14} {:>6} {:>3} {:>3} {:>4} {:>7}   {:>8} {:>8} {:>9}   {:>11} {:>12}\n", "", "layers", "H",
             "G", "D", "window", "fp32", "fp16", "int8", "of 4096", "of 32768");
  Json data = Json::array();
  for (const auto& [name, config] : models) {
    std::array<double, 3> position{};
    for (std::size_t i = 0; i < 3; ++i)
      position[i] = static_cast<double>(kv_position_bytes(config, all_kv_types[i])) / kib;
    const auto text_bytes = [&, &of = config](std::int64_t positions) {
      return static_cast<double>(
          kv_lanes_bytes(of, KvType::f16, 1, positions, std::min<std::int64_t>(positions, 512)));
    };
    text.print("{:<14} {:>6} {:>3} {:>3} {:>4} {:>7}   {:>8.5g} {:>8.5g} {:>9.5g}   {:>11.5g} {:>12.5g}\n",
               name, config.layers, config.heads, config.kv_heads, config.head_dim,
               config.sliding_window ? fmt::format("{}", *config.sliding_window) : "-", position[0],
               position[1], position[2], text_bytes(4096) / mib, text_bytes(32768) / mib);
    data.push_back({{"model", name}, {"kib", position}, {"mib_4096", text_bytes(4096) / mib}});
  }
  return data;
}

/// For the figure: one shape of 32 layers, 32 query heads of 128, with all ways to keep less.
Json show_growth(const DemoInput& /*input*/, DemoText& text) {
  ModelConfig mha = known_models().front().config, gqa = mha, mqa = mha;
  gqa.kv_heads = 8;
  mqa.kv_heads = 1;
  ModelConfig window = gqa;
  window.sliding_window = 4096;
  const std::vector<std::pair<std::string, ModelConfig>> kinds{
      {"G = 32 (MHA)", mha}, {"G = 8 (GQA)", gqa}, {"G = 8, W 4096", window}, {"G = 1 (MQA)", mqa}};
  text.print("GiB of one text in fp16, 32 layers, 32 query heads of 128, batches of at most 512\n{:>8}",
             "tokens");
  for (const auto& [name, config] : kinds) text.print(" {:>14}", name);
  text.print("\n");
  Json data = Json::array();
  for (std::int64_t n = 1024; n <= 65536; n *= 2) {
    text.print("{:>8}", n);
    Json row{{"tokens", n}};
    for (const auto& [name, config] : kinds) {
      const auto bytes =
          static_cast<double>(kv_lanes_bytes(config, KvType::f16, 1, n, std::min<std::int64_t>(n, 512)));
      text.print(" {:>14.3f}", bytes / (1024 * mib));
      row[name] = bytes;
    }
    text.print("\n");
    data.push_back(std::move(row));
  }
  return data;
}

// Short numbers.

/// What a store of that type makes of heads, each a row.
Matrix stored_and_read(KvType type, const Matrix& heads) {
  const auto store =
      make_slot_store(type, {.layers = 1, .slots = heads.rows(), .heads = 1, .head_dim = heads.cols()});
  SequencePlan plan;
  plan.rows = static_cast<std::int32_t>(heads.rows());
  store->write(0, plan, heads, heads);
  Matrix scratch;
  return store->keys(0, plan, scratch);
}

/// One head of four numbers by hand.
Json show_bytes(const DemoInput& /*input*/, DemoText& text) {
  Matrix head(1, 4);
  head << 1, -2.1F, 0.5F, 4;
  const Matrix read = stored_and_read(KvType::i8, head);
  const float scale = head.cwiseAbs().maxCoeff() / 127;
  text.print("the largest magnitude is 4, so the scale is 4 / 127 = {:.5f}\n\n", static_cast<double>(scale));
  text.print("{:>6} {:>16} {:>6} {:>12} {:>10}\n", "number", "number / scale", "byte", "read again",
             "off by");
  for (Eigen::Index d = 0; d < head.cols(); ++d) {
    text.print("{:>6} {:>16.2f} {:>6.0f} {:>12.4f} {:>10.4f}\n", head(0, d),
               static_cast<double>(head(0, d) / scale), static_cast<double>(read(0, d) / scale),
               static_cast<double>(read(0, d)), static_cast<double>(read(0, d) - head(0, d)));
  }
  return nullptr;
}

/// How far apart the numbers next to x are that the type has, in a head with this scale.
double step_of(KvType type, double x, double scale) {
  if (type == KvType::i8) return scale;
  return x == 0 ? 0 : std::ldexp(1, std::max(std::ilogb(x), -14) - 10);
}

/// The error of rounding, predicted as that of a number which may be anywhere between two steps: step²/12.
Json show_rounding(const DemoInput& /*input*/, DemoText& text) {
  constexpr Eigen::Index heads = 1000, head_dim = 64;
  text.print("{} heads of {} normal numbers: rms error, as a share of the numbers' rms\n", heads, head_dim);
  text.print("{:<34} {:<6} {:>10} {:>10}\n", "", "type", "predicted", "found");
  Json data = Json::array();
  for (const float outlier : {1.0F, 10.0F}) {
    Random random(7);
    Matrix numbers(heads, head_dim);
    for (float& number : std::span(numbers.data(), static_cast<std::size_t>(numbers.size()))) {
      double sum = -6;
      for (int i = 0; i < 12; ++i) sum += random.uniform();
      number = static_cast<float>(sum);
    }
    numbers.col(5) *= outlier;
    for (const KvType type : {KvType::f16, KvType::i8}) {
      double predicted = 0;
      for (Eigen::Index t = 0; t < heads; ++t) {
        const double scale = static_cast<double>(numbers.row(t).cwiseAbs().maxCoeff()) / 127;
        for (Eigen::Index d = 0; d < head_dim; ++d) {
          const double step = step_of(type, static_cast<double>(numbers(t, d)), scale);
          predicted += step * step / 12;
        }
      }
      const auto all = static_cast<double>(numbers.cwiseAbs2().sum());
      const auto off = static_cast<double>((stored_and_read(type, numbers) - numbers).cwiseAbs2().sum());
      text.print("{:<34} {:<6} {:>8.3f} % {:>8.3f} %\n",
                 outlier == 1 ? "all alike" : "one in each head 10 times as large", name(type),
                 100 * std::sqrt(predicted / all), 100 * std::sqrt(off / all));
      data.push_back({{"outlier", outlier},
                      {"type", name(type)},
                      {"predicted", std::sqrt(predicted / all)},
                      {"found", std::sqrt(off / all)}});
    }
  }
  return data;
}

// What short numbers do to the logits.

constexpr const char* passage =
    "The harbour was quiet that morning. A thin mist lay over the water, and the boats that had come in "
    "during the "
    "night were tied up along the wall, their nets still wet. Anna counted eleven of them before the baker "
    "opened his "
    "door. She had promised her brother that she would wait for the post, but the cart was late, as it was "
    "every "
    "Monday when the road from the hills had been washed out by the rain. So she bought a loaf, sat down on "
    "an old "
    "crate, and watched the gulls quarrel over what the fishermen had thrown away.";

/// log softmax of a row, in double.
std::vector<double> log_probabilities(const float* logits, std::int64_t vocab) {
  const double largest = static_cast<double>(*std::max_element(logits, logits + vocab));
  double sum = 0;
  for (std::int64_t v = 0; v < vocab; ++v) sum += std::exp(static_cast<double>(logits[v]) - largest);
  const double norm = largest + std::log(sum);
  std::vector<double> logs(static_cast<std::size_t>(vocab));
  for (std::int64_t v = 0; v < vocab; ++v)
    logs[static_cast<std::size_t>(v)] = static_cast<double>(logits[v]) - norm;
  return logs;
}

Json show_types(const DemoInput& input, DemoText& text) {
  const Tokenizer tokenizer(input.checkpoint.tokenizer());
  Tokens tokens = tokenizer.encode(input.text_or(passage), Tokenizer::Special::as_text,
                                   Tokenizer::AddSpecial::as_the_model_says);
  if (static_cast<std::int64_t>(tokens.size()) > input.checkpoint.config().context)
    tokens.resize(static_cast<std::size_t>(input.checkpoint.config().context));
  text.print("{}, a text of {} tokens, every position against fp32\n", input.model, tokens.size());
  text.print("{:<6} {:>14} {:>14} {:>14} {:>12} {:>11} {:>12}\n", "type", "bytes a pos.", "largest |Δ|",
             "rms Δ", "mean KL", "same top-1", "perplexity");
  Matrix exact;
  Json data = Json::array();
  for (const KvType type : all_kv_types) {
    const auto stage = input.stage("grouped", {.max_positions = static_cast<std::int32_t>(tokens.size()),
                                               .max_sequences = 1,
                                               .max_batch = 0,
                                               .kv_type = type});
    Batch batch;
    batch.add(0, 0, tokens, Batch::Logits::all);
    const Matrix logits = stage->forward(batch);
    if (type == KvType::f32) exact = logits;
    const Matrix off = logits - exact;
    double divergence = 0, surprise = 0;
    std::int64_t same = 0;
    for (Eigen::Index t = 0; t < logits.rows(); ++t) {
      const std::vector<double> p = log_probabilities(exact.row(t).data(), exact.cols());
      const std::vector<double> q = log_probabilities(logits.row(t).data(), logits.cols());
      for (std::size_t v = 0; v < p.size(); ++v) divergence += std::exp(p[v]) * (p[v] - q[v]);
      Eigen::Index a = 0, b = 0;
      exact.row(t).maxCoeff(&a);
      logits.row(t).maxCoeff(&b);
      same += a == b ? 1 : 0;
      if (t + 1 < logits.rows())
        surprise -= q[static_cast<std::size_t>(tokens[static_cast<std::size_t>(t) + 1])];
    }
    const auto rows = static_cast<double>(logits.rows());
    const auto largest = static_cast<double>(off.cwiseAbs().maxCoeff());
    const double rms = std::sqrt(static_cast<double>(off.cwiseAbs2().mean()));
    const double perplexity = std::exp(surprise / (rows - 1));
    text.print("{:<6} {:>14} {:>14.3g} {:>14.3g} {:>12.3g} {:>6} of {} {:>12.4f}\n", name(type),
               stage->cost().kv_bytes_per_position, largest, rms, std::abs(divergence) / rows, same,
               logits.rows(), perplexity);
    data.push_back({{"type", name(type)},
                    {"bytes", stage->cost().kv_bytes_per_position},
                    {"largest", largest},
                    {"rms", rms},
                    {"kl", divergence / rows},
                    {"perplexity", perplexity}});
  }
  return data;
}

// Speed.

/// A stage that has run a text, and can run one more token behind any part of it.
struct Runner {
  std::unique_ptr<Stage> stage;

  Runner(const DemoInput& input, const std::string& name, KvType type, const Tokens& text)
      : stage(input.stage(name, {.max_positions = static_cast<std::int32_t>(text.size()) + 1,
                                 .max_sequences = 1,
                                 .max_batch = 0,
                                 .kv_type = type})) {
    Batch prompt;
    prompt.add(0, 0, text, Batch::Logits::none);
    stage->forward(prompt);
  }
  /// What a step reads and writes: all weights once, and the keys and values of its text.
  double bytes(std::int32_t after) const {
    const StageCost cost = stage->cost();
    return static_cast<double>(cost.weight_bytes + cost.output_bytes +
                               cost.kv_bytes_per_position * (std::int64_t{after} + 1));
  }
  double seconds_after(std::int32_t length, const Tokens& text) const {
    stage->sequences().truncate(0, length);
    Batch step;
    step.add(0, length, {text.data(), 1}, Batch::Logits::last);
    const measure::Stopwatch watch;
    stage->forward(step);
    return watch.seconds();
  }
};

Json show_speed(const DemoInput& input, DemoText& text) {
  const std::int64_t context = input.checkpoint.config().context;
  std::vector<std::int32_t> lengths;
  for (const std::int32_t n : {2000, 1024, 256, 16}) {
    if (n + 1 < context) lengths.push_back(n);
  }
  const Tokens tokens = any_tokens(lengths.front(), input.checkpoint.config().vocab);
  std::vector<Runner> runners;
  runners.reserve(1 + all_kv_types.size());
  runners.emplace_back(input, "kv_cache", KvType::f32, tokens);
  for (const KvType type : all_kv_types) runners.emplace_back(input, "grouped", type, tokens);
  constexpr int rounds = 15;
  text.print("the next token: all stages in turn, medians of {} rounds\n", rounds);
  text.print("{:>6}  {:<14} {:>12}   {:>26}\n", "", "", "ms a token", "as a share of kv_cache's");
  text.print("{:>6}  {:<14} {:>12}   {:>15} {:>10}\n", "after", "stage", "", "bytes predict", "measured");
  Json data = Json::array();
  for (const std::int32_t n : lengths) {
    std::vector<std::vector<double>> seconds(runners.size()), shares(runners.size());
    for (int i = 0; i <= rounds; ++i) {
      std::vector<double> now;
      now.reserve(runners.size());
      for (const Runner& runner : runners) now.push_back(runner.seconds_after(n, tokens));
      for (std::size_t r = 0; r < runners.size() && i > 0; ++r) {  // the first round warms up
        seconds[r].push_back(now[r]);
        shares[r].push_back(now[r] / now[0]);
      }
    }
    for (std::size_t r = 0; r < runners.size(); ++r) {
      const std::string stage =
          r == 0 ? "kv_cache" : fmt::format("grouped {}", rung::name(all_kv_types[r - 1]));
      const double predicted = runners[r].bytes(n) / runners[0].bytes(n);
      const double share = measure::median(shares[r]);
      text.print("{:>6}  {:<14} {:>12.2f}   {:>13.0f} % {:>8.0f} %\n", n, stage,
                 1e3 * measure::median(seconds[r]), 100 * predicted, 100 * share);
      data.push_back({{"stage", stage},
                      {"after", n},
                      {"seconds", measure::median(seconds[r])},
                      {"predicted", predicted},
                      {"measured", share}});
    }
  }
  return data;
}

}  // namespace

Demo grouped_query_demo() {
  return {
      .chapter = 7,
      .title = "How little of the keys and values can a model keep?",
      .parts = {
          {"sentence", "the same text from both caches, and their bytes", show_sentence},
          {"heads", "which key/value head each query head uses", show_heads},
          {"example", "two query heads that share one key/value head", show_example},
          {"sizes", "bytes of a position and of a text, for models that people know", show_sizes},
          {"growth", "bytes against the length of the text: all heads, few, one, and a window", show_growth},
          {"window", "which positions a window of 4 sees", show_window},
          {"ring", "a ring for a window of 4, batch by batch", show_ring},
          {"bytes", "one head of four numbers as int8", show_bytes},
          {"rounding", "how far fp16 and int8 move the numbers of a head", show_rounding},
          {"types", "fp32, fp16 and int8: bytes, and what they do to the logits", show_types},
          {"speed", "the next token after a longer and longer text, timed beside kv_cache", show_speed}}};
}

}  // namespace rung

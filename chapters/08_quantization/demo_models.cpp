#include <algorithm>
#include <array>
#include <functional>
#include <memory>
#include <optional>
#include <utility>

#include <fmt/format.h>
#include <omp.h>

#include "chapters/01_tokens/tokenizer.h"
#include "chapters/04_transformer/transformer.h"
#include "chapters/05_sampling/distribution.h"
#include "chapters/06_kv_cache/flat_kv_store.h"
#include "chapters/06_kv_cache/flat_sequences.h"
#include "chapters/08_quantization/demo_parts.h"
#include "chapters/08_quantization/perplexity.h"
#include "chapters/08_quantization/uniform_quantizer.h"
#include "core/measure/clock.h"
#include "core/measure/limits.h"
#include "core/measure/roofline.h"

namespace rung {
namespace {

using Json = nlohmann::ordered_json;
using Rounding = std::function<Matrix(const Matrix&)>;

/// The parts of chapter 04 with every matrix, the embedding included, rounded and decoded again: what a model of such
/// weights computes, at the speed and in the memory of fp32.
Parts rounded_parts(const Checkpoint& checkpoint, const Rounding& rounding) {
  const auto rounded = [&](const Tensor& tensor) {
    return std::make_shared<const Matrix>(rounding(load_f32(tensor)));
  };
  std::shared_ptr<const Matrix> table;
  MatrixParts matrices;
  matrices.embedding = [&](const Tensor& tensor) {
    table = rounded(tensor);
    return std::make_unique<DenseEmbedding>(table);
  };
  matrices.linear = [&](const Tensor& tensor) {
    return std::make_unique<DenseLinear>(tensor.name == "embedding.weight" ? table : rounded(tensor));
  };
  return parts_of(checkpoint, matrices);
}

/// Logits behind every scored token's predecessor, [scored, V].
Matrix logits_of(const Checkpoint& checkpoint, const Rounding& rounding, std::span<const std::int32_t> tokens,
                 const std::vector<ScoredWindow>& windows) {
  const ModelConfig& config = checkpoint.config();
  const Transformer transformer(config, rounded_parts(checkpoint, rounding));
  const StageOptions room = with_defaults(
      {.max_positions = static_cast<std::int32_t>(windows.front().length), .max_sequences = 1}, config);
  FlatKvStore store(config.layers, room.max_positions, transformer.parts().attention->stored_width());
  FlatSequences sequences(room, store);
  Eigen::Index scored = 0;
  for (const ScoredWindow& window : windows) scored += window.length - window.first_scored;
  Matrix logits(scored, config.vocab);
  Eigen::Index row = 0;
  for (const ScoredWindow& window : windows) {
    for (const Batch& batch : batches_of(window, tokens, std::nullopt, 256)) {
      const Matrix some = run_reserved(batch, sequences, [&](const Plan& plan) {
        return transformer.forward(batch, plan, store, nullptr);
      });
      logits.middleRows(row, some.rows()) = some;
      row += some.rows();
    }
    sequences.drop(0);
  }
  return logits;
}

std::span<const float> row_of(const Matrix& logits, Eigen::Index row) {
  return {logits.row(row).data(), static_cast<std::size_t>(logits.cols())};
}

/// A line of the table.
struct Judged {
  Estimate perplexity, divergence;
  double same_top = 0;
};

/// @param right   of the weights that are not rounded
/// @param targets what came behind each row
Judged judge(const Matrix& logits, const Matrix& right, std::span<const std::int32_t> targets) {
  std::vector<double> entropies;
  std::vector<double> divergences;
  double same = 0;
  for (Eigen::Index row = 0; row < logits.rows(); ++row) {
    entropies.push_back(cross_entropy(row_of(logits, row), targets[static_cast<std::size_t>(row)]));
    divergences.push_back(kl_divergence(row_of(right, row), row_of(logits, row)));
    same += greedy(row_of(logits, row)) == greedy(row_of(right, row)) ? 1 : 0;
  }
  return {.perplexity = perplexity(entropies),
          .divergence = mean_of(divergences),
          .same_top = same / static_cast<double>(logits.rows())};
}

/// The matrices of a model: how many weights they have, and in how many bits.
struct Size {
  std::int64_t weights = 0;
  double bits = 0;
};

struct Variant {
  std::string name;
  Rounding rounding;
  std::function<double(std::int64_t out, std::int64_t in)> bits;
};

Variant stored_as(DType type) {
  const DTypeInfo& format = info(type);
  const double bits =
      8 * static_cast<double>(format.block_bytes) / static_cast<double>(format.block_elements);
  return {std::string(format.name), [type](const Matrix& w) { return rounded_to(type, w); },
          [bits](std::int64_t, std::int64_t) { return bits; }};
}

Variant uniform(int bits, ScaleFor share, std::int64_t group = 32) {
  const UniformScheme scheme{.bits = bits, .scale_for = share, .group = group};
  std::string name = fmt::format("{} bits, ", bits);
  if (share == ScaleFor::tensor) name += "tensor";
  if (share == ScaleFor::channel) name += "channel";
  if (share == ScaleFor::group) name += fmt::format("group {}", group);
  return {name, [scheme](const Matrix& w) { return dequantize(quantize_uniform(w, scheme)); },
          [scheme](std::int64_t out, std::int64_t in) { return bits_per_weight(scheme, out, in); }};
}

Size size_of(const Checkpoint& checkpoint, const Variant& variant) {
  Size size;
  for (const Tensor& tensor : checkpoint.tensors()) {
    if (tensor.view.shape.size() < 2) continue;
    const std::int64_t out = tensor.view.shape[0];
    const std::int64_t in = tensor.view.shape[1];
    size.weights += out * in;
    size.bits += variant.bits(out, in) * static_cast<double>(out * in);
  }
  return size;
}

/// "17.454 ± 0.874". What is large has one digit behind the point: the next ones depend on the order in which this
/// machine's instructions add.
std::string estimate(double value, double error, int width, int error_width) {
  const bool large = value >= 100;
  const int digits = large ? 1 : 3;
  const std::string blanks = large ? "  " : "";
  return fmt::format(
      "{:>{}} ± {:<{}}", fmt::format("{:.{}f}{}", value, digits, blanks), width,
      fmt::format("{:>{}}", fmt::format("{:.{}f}", error, digits), large ? error_width - 2 : error_width),
      error_width);
}

Json show_table(const DemoInput& input, DemoText& text) {
  const Checkpoint tiny = input.open("tiny");
  const std::vector<std::int32_t> tokens = Tokenizer(tiny.tokenizer()).encode(heldout_text(tiny));
  const std::vector<ScoredWindow> windows = chunks_of(std::ssize(tokens), tiny.config().context);
  std::vector<std::int32_t> targets;
  for (const ScoredWindow& window : windows) {
    const auto first = tokens.begin() + window.first;
    targets.insert(targets.end(), first + window.first_scored, first + window.length);
  }
  const Matrix right = logits_of(
      tiny, [](const Matrix& w) { return w; }, tokens, windows);
  text.print("tiny, {} tokens scored; 16 bits are its own\n", targets.size());
  text.print("{:<16} {:>8} {:>7} {:>18} {:>20} {:>9}\n", "matrices", "bits/w", "kB", "perplexity",
             "KL, nats / 1000", "same top");
  Json data = Json::array();
  const std::vector<Variant> variants = {
      stored_as(DType::F16),           stored_as(DType::BF16),         stored_as(DType::Q8_0),
      stored_as(DType::Q6_K),          stored_as(DType::Q5_0),         stored_as(DType::Q4_1),
      stored_as(DType::Q4_K),          stored_as(DType::Q4_0),         uniform(8, ScaleFor::tensor),
      uniform(8, ScaleFor::channel),   uniform(4, ScaleFor::tensor),   uniform(4, ScaleFor::channel),
      uniform(4, ScaleFor::group, 32), uniform(4, ScaleFor::group, 8), uniform(3, ScaleFor::group, 32),
      uniform(2, ScaleFor::group, 32)};
  for (const Variant& variant : variants) {
    const Size size = size_of(tiny, variant);
    const Judged judged = judge(logits_of(tiny, variant.rounding, tokens, windows), right, targets);
    const double bits = size.bits / static_cast<double>(size.weights);
    text.print(
        "{:<16} {:>8.4f} {:>7.0f} {} {} {:>7.1f} %\n", variant.name, bits, size.bits / 8000,
        estimate(judged.perplexity.value, judged.perplexity.standard_error, 9, 6),
        estimate(1000 * std::abs(judged.divergence.value), 1000 * judged.divergence.standard_error, 11, 6),
        100 * judged.same_top);
    data.push_back({{"name", variant.name},
                    {"bits", bits},
                    {"perplexity", judged.perplexity.value},
                    {"kl", judged.divergence.value},
                    {"same_top", judged.same_top}});
  }
  return data;
}

/// What a second quantisation adds.
Json show_again(const DemoInput& input, DemoText& text) {
  const std::int64_t layers = input.checkpoint.config().layers;
  std::vector<Matrix> matrices;
  std::vector<std::string> names;
  for (const std::int64_t layer : {std::int64_t{0}, layers / 2, layers - 1}) {
    for (const char* name : {"attention.q", "feed_forward.up", "feed_forward.down"}) {
      const Tensor& tensor = input.checkpoint.tensor(fmt::format("layers.{}.{}.weight", layer, name));
      matrices.push_back(load_f32(tensor));
      names.emplace_back(info(tensor.view.dtype).name);
    }
  }
  text.print(
      "{}: q, up and down of the first, the middle and the last layer, stored as {}; what a second rounding "
      "adds\n",
      input.model, names.front());
  for (const DType type :
       {DType::F16, DType::Q8_0, DType::Q6_K, DType::Q5_0, DType::Q4_1, DType::Q4_K, DType::Q4_0}) {
    double off = 0;
    double all = 0;
    for (const Matrix& weights : matrices) {
      off += double{(rounded_to(type, weights) - weights).squaredNorm()};
      all += double{weights.squaredNorm()};
    }
    text.print("  {:<5} {:>6.2f} %\n", name(type), 100 * std::sqrt(off / all));
  }
  return nullptr;
}

/// Steps and prompts in fp32 and from blocks.
Json show_speed(const DemoInput& input, DemoText& text) {
  constexpr std::int32_t prompt = 128;
  const std::vector<std::int32_t> tokens = any_tokens(prompt, input.checkpoint.config().vocab);
  const auto run = [](Stage& stage, std::int32_t first, std::span<const std::int32_t> some) {
    Batch batch;
    batch.add(0, first, some, Batch::Logits::last);
    const measure::Stopwatch watch;
    stage.forward(batch);
    const double seconds = watch.seconds();
    stage.sequences().truncate(0, first);
    return seconds;
  };
  text.print("{}: a step after {} tokens, and a prompt of {}; medians of 15 and of 3\n", input.model, 8,
             prompt);
  text.print("{:<9} {:>12} {:>10} {:>12} {:>9} {:>10} {:>14}\n", "stage", "MB a token", "GB/s now",
             "moving, ms", "step, ms", "tokens/s", "prompt, tok/s");
  Json data = Json::array();
  for (const std::string name : {"grouped", "int8", "int4"}) {
    const auto stage = input.stage(name, {.max_positions = prompt + 1, .max_sequences = 1});
    run(*stage, 0, {tokens.data(), 8});
    Batch beginning;
    beginning.add(0, 0, {tokens.data(), 8}, Batch::Logits::none);
    stage->forward(beginning);
    const double bandwidth = measure::read_bandwidth(omp_get_max_threads());
    std::vector<double> steps;
    for (int i = 0; i < 16; ++i) {
      const double seconds = run(*stage, 8, {tokens.data(), 1});
      if (i > 0) steps.push_back(seconds);  // the first one warms up
    }
    stage->sequences().truncate(0, 0);
    std::vector<double> prompts;
    prompts.reserve(3);
    for (int i = 0; i < 3; ++i) prompts.push_back(run(*stage, 0, tokens));
    const measure::Work work = measure::decode_work(stage->cost(), 8);
    const double step = measure::median(steps);
    text.print("{:<9} {:>12.1f} {:>10.1f} {:>12.1f} {:>9.1f} {:>10.1f} {:>14.1f}\n", name, work.bytes / 1e6,
               bandwidth / 1e9, 1e3 * work.bytes / bandwidth, 1e3 * step, 1 / step,
               prompt / measure::median(prompts));
    data.push_back(
        {{"stage", name}, {"bytes", work.bytes}, {"step", step}, {"prompt", measure::median(prompts)}});
  }
  return data;
}

}  // namespace

std::vector<DemoPart> model_parts() {
  return {{"table", "every type on a whole model: bits, perplexity, divergence", show_table},
          {"again", "what quantising a second time adds", show_again},
          {"speed", "a step and a prompt in fp32, int8 and int4: bytes and times", show_speed}};
}

}  // namespace rung

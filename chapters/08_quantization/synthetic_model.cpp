#include "chapters/08_quantization/synthetic_model.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <system_error>

#include <fmt/format.h>

#include "chapters/08_quantization/quantize.h"
#include "chapters/08_quantization/quantize_model.h"
#include "core/checkpoint/gguf_description.h"
#include "core/checkpoint/gguf_naming.h"
#include "core/checkpoint/gguf_writer.h"
#include "core/error.h"

namespace rung {
namespace {

constexpr std::int64_t numbers_at_a_time = 1 << 20;  // 4 MiB of fp32
constexpr std::int64_t pieces_before_ascii = 3 + 256;

// Of the four quarters' sum: 4 · 65535/2, and √(4 · (65536² − 1)/12).
constexpr std::int32_t quarters_mean = 131070;
constexpr double quarters_deviation = 37837.22;

ModelConfig llama2(std::int64_t layers, std::int64_t hidden, std::int64_t heads, std::int64_t feed_forward) {
  ModelConfig config;
  config.family = "llama";
  config.layers = layers;
  config.hidden = hidden;
  config.heads = config.kv_heads = heads;
  config.head_dim = hidden / heads;
  config.feed_forward = feed_forward;
  config.vocab = 32000;
  config.context = 4096;
  return config;
}

ModelConfig mistral_7b() {
  ModelConfig config = llama2(32, 4096, 32, 14336);
  config.family = "mistral";
  config.kv_heads = 8;
  config.context = 32768;
  config.sliding_window = 4096;
  return config;
}

ModelConfig mixtral_8x7b() {
  ModelConfig config = llama2(32, 4096, 32, 14336);
  config.family = "mixtral";
  config.kv_heads = 8;
  config.context = 32768;
  config.rope.theta = 1e6;
  config.mixture = MixtureConfig{.experts = 8, .experts_used = 2};
  return config;
}

/// Nobody outside has seen GPT-4's config. What was reported are 120 layers, 16 experts of about 111 billion weights, of
/// which 2 are used, 55 billion weights of attention, and one key/value head. 10752 · 28672 · 3 · 120 is 111 billion, and
/// 168 heads of 128 make 55 billion; the vocabulary is what synthetic_tokenizer() can have.
ModelConfig gpt4_shaped() {
  ModelConfig config = llama2(120, 10752, 168, 28672);
  config.family = "mixtral";
  config.kv_heads = 1;
  config.head_dim = 128;
  config.context = 8192;
  config.mixture = MixtureConfig{.experts = 16, .experts_used = 2};
  return config;
}

/// SplitMix64's last step: 64 bits that look like none of their neighbours'.
std::uint64_t mixed(std::uint64_t z) {
  z = (z ^ (z >> 30U)) * 0xBF58476D1CE4E5B9U;
  z = (z ^ (z >> 27U)) * 0x94D049BB133111EBU;
  return z ^ (z >> 31U);
}

constexpr std::uint64_t golden_gamma = 0x9E3779B97F4A7C15U;

/// Where a tensor's stream of numbers begins: FNV-1a of its name, mixed with the seed.
std::uint64_t stream_of(std::uint64_t seed, std::string_view tensor) {
  std::uint64_t hash = 0xCBF29CE484222325U;
  for (const char c : tensor) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001B3U;
  return mixed(hash + golden_gamma * mixed(seed + golden_gamma));
}

// From frequent to rare in English, so that a vocabulary that ends early has the likelier strings.
constexpr std::string_view letters = "etaoinshrdlcumwfgypbvkjxqz";
constexpr std::string_view space = "\xE2\x96\x81";  // U+2581

/// Every string of `length` letters behind `before`.
void add_words(std::vector<std::string>& pieces, const std::string& before, int length) {
  if (length == 0) {
    pieces.push_back(before);
    return;
  }
  for (const char letter : letters) add_words(pieces, before + letter, length - 1);
}

/// The normal pieces, best first. Each has a piece that is shorter by its last letter before it.
std::vector<std::string> normal_pieces() {
  std::vector<std::string> pieces = {std::string(space)};
  for (char c = '!'; c <= '~'; ++c) pieces.emplace_back(1, c);
  for (int length = 1; length <= 3; ++length) {
    if (length > 1) add_words(pieces, "", length);
    add_words(pieces, std::string(space), length);
  }
  return pieces;
}

/// A tensor to write, by the project's name.
struct Planned {
  std::string name;
  GgufTensor out;
};

std::vector<Planned> planned_tensors(const ModelConfig& config, DType dtype) {
  std::vector<Planned> plan;
  const TensorNaming naming = gguf_naming();
  const auto add = [&](const std::string& name, const Shape& shape) {
    const bool quantised = shape.size() > 1 && !is_router(name);
    const DType stored = quantised ? type_for_rows(dtype, shape.back()) : DType::F32;
    plan.push_back({name, {stored_name(naming, name), stored, shape}});
  };
  const auto add_experts = [&](std::int64_t layer) {
    const std::int64_t experts = config.mixture->experts;
    const std::array<Shape, 3> shapes = {Shape{experts, config.feed_forward, config.hidden},
                                         {experts, config.feed_forward, config.hidden},
                                         {experts, config.hidden, config.feed_forward}};
    const std::array<const char*, 3> names = {"gate", "up", "down"};
    for (std::size_t i = 0; i < names.size(); ++i) {
      plan.push_back({fmt::format("layers.{}.feed_forward.experts.{}.weight", layer, names[i]),
                      {fmt::format("{}{}.{}", naming.layer_prefix, layer, naming.stacked_experts[i]),
                       type_for_rows(dtype, shapes[i].back()), shapes[i]}});
    }
  };
  const std::int64_t q = config.heads * config.head_dim;
  const std::int64_t kv = config.kv_heads * config.head_dim;
  add("embedding.weight", {config.vocab, config.hidden});
  for (std::int64_t layer = 0; layer < config.layers; ++layer) {
    const std::string attention = fmt::format("layers.{}.attention.", layer);
    const std::string feed_forward = fmt::format("layers.{}.feed_forward.", layer);
    add(attention + "norm.weight", {config.hidden});
    add(attention + "q.weight", {q, config.hidden});
    add(attention + "k.weight", {kv, config.hidden});
    add(attention + "v.weight", {kv, config.hidden});
    add(attention + "o.weight", {config.hidden, q});
    add(feed_forward + "norm.weight", {config.hidden});
    if (config.mixture) {
      add(feed_forward + "router.weight", {config.mixture->experts, config.hidden});
      add_experts(layer);
      continue;
    }
    add(feed_forward + "gate.weight", {config.feed_forward, config.hidden});
    add(feed_forward + "up.weight", {config.feed_forward, config.hidden});
    add(feed_forward + "down.weight", {config.hidden, config.feed_forward});
  }
  add("norm.weight", {config.hidden});
  if (!config.tied_embeddings) add("output.weight", {config.vocab, config.hidden});
  return plan;
}

std::int64_t bytes_of(const Planned& tensor) {
  const DTypeInfo& type = info(tensor.out.dtype);
  return elements(tensor.out.shape) / type.block_elements * type.block_bytes;
}

/// Said before minutes are spent; a disk that fills up meanwhile is found by the writing.
void require_room(const std::filesystem::path& out, std::int64_t bytes) {
  std::error_code unknown;
  const bool special =
      std::filesystem::exists(out, unknown) && !std::filesystem::is_regular_file(out, unknown);
  const auto folder = std::filesystem::absolute(out, unknown).parent_path();
  const std::filesystem::space_info room = std::filesystem::space(folder, unknown);
  if (special || unknown || room.available >= static_cast<std::uintmax_t>(bytes)) return;
  throw Error(ErrorKind::bad_input,
              "{}: needs {:.2f} GB, and its disk has {:.2f} GB left; make room or take another", out.string(),
              static_cast<double>(bytes) / 1e9, static_cast<double>(room.available) / 1e9);
}

/// Rows [first, first + count) of a matrix, quantised.
std::vector<std::byte> synthetic_rows(const Planned& tensor, const ModelConfig& config, std::uint64_t seed,
                                      std::int64_t first, std::int64_t count) {
  const DTypeInfo& type = info(tensor.out.dtype);
  const std::int64_t columns = tensor.out.shape.back();
  const std::int64_t row_bytes = columns / type.block_elements * type.block_bytes;
  const double deviation = synthetic_deviation(tensor.name, config);
  std::vector<std::byte> bytes(static_cast<std::size_t>(count * row_bytes));
#pragma omp parallel
  {
    std::vector<float> numbers(static_cast<std::size_t>(columns));
#pragma omp for
    for (std::int64_t row = 0; row < count; ++row) {
      synthetic_weights(seed, tensor.name, (first + row) * columns, deviation, numbers);
      quantize(tensor.out.dtype, numbers,
               std::span(bytes).subspan(static_cast<std::size_t>(row * row_bytes),
                                        static_cast<std::size_t>(row_bytes)));
    }
  }
  return bytes;
}

}  // namespace

std::vector<ModelPreset> model_presets() {
  return {{"llama2-7b", llama2(32, 4096, 32, 11008)},
          {"llama2-13b", llama2(40, 5120, 40, 13824)},
          {"mistral-7b", mistral_7b()},
          {"mixtral-8x7b", mixtral_8x7b()},
          {"gpt4-shaped", gpt4_shaped()}};
}

ModelConfig resized(const ModelConfig& config, std::int64_t layers, std::int64_t shrink) {
  if (shrink < 1 || config.heads % shrink != 0 || config.feed_forward % shrink != 0) {
    throw Error(ErrorKind::usage, "shrink: expected a divisor of {} heads and a feed-forward of {}, found {}",
                config.heads, config.feed_forward, shrink);
  }
  ModelConfig smaller = config;
  smaller.layers = layers;
  smaller.heads /= shrink;
  smaller.kv_heads = std::max<std::int64_t>(smaller.kv_heads / shrink, 1);
  smaller.hidden /= shrink;
  smaller.feed_forward /= shrink;
  return smaller;
}

TokenizerData synthetic_tokenizer(std::int64_t vocab) {
  const std::vector<std::string> normal = normal_pieces();
  const std::int64_t most = pieces_before_ascii + std::ssize(normal);
  if (vocab < pieces_before_ascii || vocab > most) {
    throw Error(ErrorKind::usage, "a synthetic vocabulary: expected {} to {} pieces, found {}",
                pieces_before_ascii, most, vocab);
  }
  TokenizerData data;
  data.kind = TokenizerKind::sentencepiece;
  data.pieces = {"<unk>", "<s>", "</s>"};
  data.types = {PieceType::unknown, PieceType::control, PieceType::control};
  for (int byte = 0; byte < 256; ++byte) {
    data.pieces.push_back(fmt::format("<0x{:02X}>", byte));
    data.types.push_back(PieceType::byte);
  }
  data.pieces.insert(data.pieces.end(), normal.begin(), normal.begin() + (vocab - pieces_before_ascii));
  data.types.resize(data.pieces.size(), PieceType::normal);
  for (std::int64_t id = 0; id < vocab; ++id) {
    // As in Llama 2's own: 0 for what is never merged, then −1, −2, …
    const std::int64_t rank = std::max<std::int64_t>(id - pieces_before_ascii, 0);
    data.scores.push_back(static_cast<float>(-rank));
  }
  data.dummy_prefix = DummyPrefix::texts;
  data.add_bos = true;
  data.unk = 0;
  data.bos = 1;
  data.eos = 2;
  data.end_of_turn = {2};
  return data;
}

double synthetic_deviation(std::string_view tensor, const ModelConfig& config) {
  if (tensor == "embedding.weight") return 1;
  const auto root = [](std::int64_t n) { return std::sqrt(static_cast<double>(n)); };
  const bool attention_out = tensor.ends_with("attention.o.weight");
  const bool feed_forward_out = tensor.ends_with("down.weight");  // of an expert, or of a dense layer
  const std::int64_t fan_in = attention_out      ? config.heads * config.head_dim
                              : feed_forward_out ? config.feed_forward
                                                 : config.hidden;
  return (attention_out || feed_forward_out ? 1 / root(2 * config.layers) : 1) / root(fan_in);
}

void synthetic_weights(std::uint64_t seed, std::string_view tensor, std::int64_t first, double deviation,
                       std::span<float> out) {
  const std::uint64_t stream = stream_of(seed, tensor);
  const auto factor = static_cast<float>(deviation / quarters_deviation);
  for (std::size_t i = 0; i < out.size(); ++i) {
    const std::uint64_t bits = mixed(stream + golden_gamma * (static_cast<std::uint64_t>(first) + i));
    const auto sum = static_cast<std::int32_t>((bits & 0xFFFFU) + (bits >> 16U & 0xFFFFU) +
                                               (bits >> 32U & 0xFFFFU) + (bits >> 48U));
    out[i] = static_cast<float>(sum - quarters_mean) * factor;  // up to 17 bits: exact before the product
  }
}

SyntheticModel synthesize_model(const std::string& name, const ModelConfig& config, DType dtype,
                                std::uint64_t seed, const std::filesystem::path& out,
                                const SynthesizeProgress& progress) {
  GgufEntries entries;
  entries.set("general.name", fmt::format("{} with random weights, seed {}", name, seed));
  describe_model(entries, config);
  describe_tokenizer(entries, synthetic_tokenizer(config.vocab));
  describe_file_type(entries, dtype);

  SyntheticModel result;
  const std::vector<Planned> plan = planned_tensors(config, dtype);
  std::vector<GgufTensor> tensors;
  tensors.reserve(plan.size());
  std::int64_t all = 0;
  for (const Planned& tensor : plan) {
    tensors.push_back(tensor.out);
    result.weights += elements(tensor.out.shape);
    all += bytes_of(tensor);
  }
  GgufWriter writer(out, entries, std::move(tensors));
  result.file_bytes = writer.file_bytes();
  require_room(out, result.file_bytes);

  std::int64_t done = 0;
  for (const Planned& tensor : plan) {
    if (tensor.out.shape.size() == 1) {  // a norm, which changes nothing but the size
      const std::vector<float> ones(static_cast<std::size_t>(tensor.out.shape[0]), 1.0F);
      writer.append(std::as_bytes(std::span(ones)));
      done += bytes_of(tensor);
      continue;
    }
    const std::int64_t columns = tensor.out.shape.back();
    const std::int64_t rows = elements(tensor.out.shape) / columns;
    const std::int64_t at_a_time = std::clamp<std::int64_t>(numbers_at_a_time / columns, 1, rows);
    for (std::int64_t first = 0; first < rows; first += at_a_time) {
      if (progress) progress(done, all);
      const std::vector<std::byte> bytes =
          synthetic_rows(tensor, config, seed, first, std::min(at_a_time, rows - first));
      writer.append(bytes);
      done += std::ssize(bytes);
    }
  }
  if (progress) progress(done, all);
  writer.finish();
  return result;
}

}  // namespace rung

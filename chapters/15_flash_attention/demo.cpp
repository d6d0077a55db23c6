#include "chapters/15_flash_attention/demo.h"

#include <array>
#include <cmath>
#include <cstdint>
#include <string>

#include <fmt/format.h>

#include "chapters/15_flash_attention/attention_cost.h"
#include "chapters/15_flash_attention/online_softmax.h"
#include "cuda/attention/swizzle.h"

namespace rung {
namespace {

using Json = nlohmann::ordered_json;

Json show_example(const DemoInput&, DemoText& text) {
  constexpr std::array<float, 3> scores{1, 3, 2};
  constexpr std::array<float, 3> values{10, 20, 40};
  OnlineSoftmax state = OnlineSoftmax::none(1);
  text.print("key  score  value   largest  rescale  weight      sum   Σ weight·value   so far\n");
  Json data = Json::array();
  for (std::size_t j = 0; j < scores.size(); ++j) {
    const float old = state.max;
    add_key(state, scores[j], std::span(&values[j], 1));
    text.print("{:>3}  {:>5}  {:>5}   {:>7}  {:>7.3f}  {:>6.3f}  {:>7.3f}   {:>14.3f}  {:>7.3f}\n", j,
               scores[j], values[j], state.max, std::exp(old - state.max), std::exp(scores[j] - state.max),
               state.sum, state.value[0], state.value[0] / state.sum);
    data.push_back({{"max", state.max}, {"sum", state.sum}, {"value", state.value[0]}});
  }
  double sum = 0;
  double value = 0;
  for (std::size_t j = 0; j < scores.size(); ++j) {
    sum += std::exp(static_cast<double>(scores[j]) - 3);
    value += std::exp(static_cast<double>(scores[j]) - 3) * static_cast<double>(values[j]);
  }
  text.print("\nall at once: largest 3, sum {:.3f}, result {:.3f}\n", sum, value / sum);
  return data;
}

Json show_merge(const DemoInput&, DemoText& text) {
  constexpr std::array<float, 3> values{10, 20, 40};
  OnlineSoftmax left = OnlineSoftmax::none(1);
  add_key(left, 1, std::span(values.data(), 1));
  OnlineSoftmax right = OnlineSoftmax::none(1);
  add_key(right, 3, std::span(&values[1], 1));
  add_key(right, 2, std::span(&values[2], 1));
  const OnlineSoftmax both = merged(left, right);
  Json data = Json::array();
  for (const auto& [name, state] :
       {std::pair<std::string, OnlineSoftmax>{"key 0", left}, {"keys 1, 2", right}, {"together", both}}) {
    text.print("{:<10} largest {}   sum {:.3f}   Σ weight·value {:>6.3f}   result {:.3f}\n", name, state.max,
               state.sum, state.value[0], state.value[0] / state.sum);
    data.push_back({{"max", state.max}, {"sum", state.sum}, {"value", state.value[0]}});
  }
  return data;
}

/// A model of 8 billion parameters with grouped heads.
PromptAttention large_prompt(std::int64_t tokens) {
  return {.tokens = tokens, .heads = 32, .kv_heads = 8, .head_dim = 128, .number_bytes = 2};
}

Json show_growth(const DemoInput&, DemoText& text) {
  text.print("one layer, 32 heads of 128 numbers, 8 key/value heads, fp16\n\n");
  text.print("tokens   q, k, v, result     scores in fp32   scores : rest        GFLOP\n");
  Json data = Json::array();
  for (std::int64_t tokens = 512; tokens <= 131072; tokens *= 4) {
    const PromptAttention prompt = large_prompt(tokens);
    const auto least = static_cast<double>(least_bytes(prompt));
    const auto scores = static_cast<double>(score_bytes(prompt));
    const auto flops = static_cast<double>(attention_flops(prompt));
    text.print("{:>6}       {:>8.1f} MB      {:>10.1f} MB      {:>8.1f}   {:>10.1f}\n", tokens, least * 1e-6,
               scores * 1e-6, scores / least, flops * 1e-9);
    data.push_back({{"tokens", tokens}, {"least", least}, {"scores", scores}, {"flops", flops}});
  }
  return data;
}

Json show_tiles(const DemoInput&, DemoText& text) {
  const PromptAttention prompt = large_prompt(8192);
  const auto flops = static_cast<double>(attention_flops(prompt));
  text.print("8192 tokens, {:.0f} GFLOP\n\n", flops * 1e-9);
  text.print("queries of a block   bytes from and to L2   FLOPs per byte\n");
  Json data = Json::array();
  for (const std::int64_t rows : {1, 4, 32, 64, 128}) {
    const auto bytes = static_cast<double>(tiled_attention_bytes(prompt, rows));
    text.print("{:>18}          {:>10.1f} GB         {:>8.1f}\n", rows, bytes * 1e-9, flops / bytes);
    data.push_back({{"rows", rows}, {"bytes", bytes}});
  }
  return data;
}

template <int chunks>
Json show_groups(DemoText& text) {
  std::string plain;
  std::string swizzled;
  Json data = Json::array();
  for (int r = 0; r < 8; ++r) {
    plain += fmt::format(" {}", (r * chunks + 1) % 8);
    swizzled += fmt::format(" {}", (r * chunks + cuda::swizzled<chunks>(r, 1)) % 8);
    data.push_back((r * chunks + cuda::swizzled<chunks>(r, 1)) % 8);
  }
  text.print("{:>8}   {:>6}   {}        {}\n", chunks * 8, chunks, plain, swizzled);
  return data;
}

Json show_banks(const DemoInput&, DemoText& text) {
  text.print("chunk 1 of rows 0 … 7 of a tile: in which of 8 groups of banks\n\n");
  text.print("head_dim   chunks    plain                   swizzled\n");
  return {show_groups<8>(text), show_groups<10>(text), show_groups<12>(text), show_groups<16>(text)};
}

}  // namespace

Demo flash_attention_demo() {
  return {.chapter = 15,
          .title = "How does attention over a long prompt fit a GPU?",
          .parts = {{"example", "online softmax of three keys", show_example},
                    {"merge", "two parts of the keys, put together", show_merge},
                    {"growth", "bytes of a prompt, with and without scores in memory", show_growth},
                    {"tiles", "what tiles of queries save", show_tiles},
                    {"banks", "the swizzle for heads of 64, 80, 96 and 128 numbers", show_banks}}};
}

}  // namespace rung
